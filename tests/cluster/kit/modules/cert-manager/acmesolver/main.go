// Acmesolver answers one HTTP-01 challenge: cert-manager runs it as a pod for as long as the challenge lasts.
package main

import (
	"flag"
	"log"

	"github.com/cert-manager/cert-manager/pkg/issuer/acme/http/solver"
	"github.com/go-logr/logr"
)

func main() {
	answer := solver.HTTP01Solver{}
	flag.IntVar(&answer.ListenPort, "listen-port", 8089, "where to listen")
	flag.StringVar(&answer.Domain, "domain", "", "whose challenge it is")
	flag.StringVar(&answer.Token, "token", "", "what is asked")
	flag.StringVar(&answer.Key, "key", "", "what is answered")
	flag.Parse()
	log.Fatal(answer.Listen(logr.Discard()))
}
