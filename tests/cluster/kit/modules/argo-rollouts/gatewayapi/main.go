// Gatewayapi stands in for Argo's Gateway API plugin: it speaks Argo Rollouts' plugin protocol and sets the weights of
// one HTTPRoute. Header routes, mirrors, experiments and other kinds of routes are the original's alone.
package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	"github.com/argoproj/argo-rollouts/rollout/trafficrouting/plugin/rpc"
	"github.com/argoproj/argo-rollouts/utils/plugin/types"
	"github.com/hashicorp/go-plugin"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/retry"
)

const name = "argoproj-labs/gatewayAPI"

var httpRoutes = schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: "httproutes"}

// router is what the controller calls, in a process of its own.
type router struct {
	routes dynamic.NamespaceableResourceInterface
}

// place is the part of the plugin's configuration in a Rollout that Slipway uses.
type place struct {
	HTTPRoute string `json:"httpRoute"`
	Namespace string `json:"namespace"`
}

func main() {
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: plugin.HandshakeConfig{
			ProtocolVersion:  1,
			MagicCookieKey:   "ARGO_ROLLOUTS_RPC_PLUGIN",
			MagicCookieValue: "trafficrouter",
		},
		Plugins: map[string]plugin.Plugin{"RpcTrafficRouterPlugin": &rpc.RpcTrafficRouterPlugin{Impl: &router{}}},
	})
}

func (r *router) InitPlugin() types.RpcError {
	config, err := rest.InClusterConfig()
	if err != nil {
		return failed(err)
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return failed(err)
	}
	r.routes = client.Resource(httpRoutes)
	return types.RpcError{}
}

func (r *router) SetWeight(rollout *v1alpha1.Rollout, weight int32, _ []v1alpha1.WeightDestination) types.RpcError {
	where := place{Namespace: rollout.Namespace}
	canary := rollout.Spec.Strategy.Canary
	if err := json.Unmarshal(canary.TrafficRouting.Plugins[name], &where); err != nil {
		return failed(err)
	}
	weights := map[string]int64{canary.CanaryService: int64(weight), canary.StableService: int64(100 - weight)}
	return failed(retry.RetryOnConflict(retry.DefaultRetry, func() error {
		route, err := r.routes.Namespace(where.Namespace).Get(context.Background(), where.HTTPRoute, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if err := weigh(route, weights); err != nil {
			return err
		}
		_, err = r.routes.Namespace(where.Namespace).Update(context.Background(), route, metav1.UpdateOptions{})
		return err
	}))
}

// weigh sets the weight of every backend that has one, and fails where a backend is in no rule.
func weigh(route *unstructured.Unstructured, weights map[string]int64) error {
	found := map[string]bool{}
	rules, _, err := unstructured.NestedSlice(route.Object, "spec", "rules")
	if err != nil {
		return err
	}
	for _, rule := range rules {
		backends, _ := rule.(map[string]any)["backendRefs"].([]any)
		for _, backend := range backends {
			service, _ := backend.(map[string]any)["name"].(string)
			if weight, known := weights[service]; known {
				backend.(map[string]any)["weight"] = weight
				found[service] = true
			}
		}
	}
	if len(found) != len(weights) {
		return fmt.Errorf("HTTPRoute %s needs both Services as backends, has %v", route.GetName(), found)
	}
	return unstructured.SetNestedSlice(route.Object, rules, "spec", "rules")
}

func failed(err error) types.RpcError {
	if err == nil {
		return types.RpcError{}
	}
	return types.RpcError{ErrorString: err.Error()}
}

func (r *router) VerifyWeight(*v1alpha1.Rollout, int32, []v1alpha1.WeightDestination) (types.RpcVerified, types.RpcError) {
	return types.Verified, types.RpcError{}
}

func (r *router) UpdateHash(*v1alpha1.Rollout, string, string, []v1alpha1.WeightDestination) types.RpcError {
	return types.RpcError{}
}

func (r *router) SetHeaderRoute(*v1alpha1.Rollout, *v1alpha1.SetHeaderRoute) types.RpcError {
	return types.RpcError{ErrorString: "this stand-in sets weights alone"}
}

func (r *router) SetMirrorRoute(*v1alpha1.Rollout, *v1alpha1.SetMirrorRoute) types.RpcError {
	return types.RpcError{ErrorString: "this stand-in sets weights alone"}
}

func (r *router) RemoveManagedRoutes(*v1alpha1.Rollout) types.RpcError { return types.RpcError{} }

func (r *router) Type() string { return "GatewayAPI" }
