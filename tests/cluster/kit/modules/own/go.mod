module slipway.dev/cluster/own

go 1.24.0
