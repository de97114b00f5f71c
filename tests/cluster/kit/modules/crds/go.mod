module slipway.dev/cluster/crds

go 1.26.0

require (
	knative.dev/eventing-rabbitmq v0.48.0
	sigs.k8s.io/gateway-api v1.6.1
)
