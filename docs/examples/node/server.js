// A web app in a few lines: it says which commit answers. Started by `npm start`, so it needs no Procfile.
const http = require("node:http");

const { HOST = "127.0.0.1", PORT = "8000", SLIPWAY_COMMIT = "unknown" } = process.env;

const server = http.createServer((request, response) => {
  response.setHeader("Content-Type", "text/plain; charset=utf-8");
  response.end(`Hello from commit ${SLIPWAY_COMMIT}\n`);
});

server.listen(Number(PORT), HOST);
process.on("SIGTERM", () => server.close(() => process.exit(0)));
