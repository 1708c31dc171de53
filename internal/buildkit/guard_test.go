package buildkit

import (
	"context"
	"errors"
	"testing"

	"bkt/internal/crash"

	gateway "github.com/moby/buildkit/frontend/gateway/client"
)

// TestGuard checks that a panic in a function that BuildKit calls in a goroutine of
// its own becomes an error, and reaches the user as a bug.
func TestGuard(t *testing.T) {
	var broken error
	build := guard(func(context.Context, gateway.Client) (*gateway.Result, error) { panic("broken") }, &broken)
	_, err := build(t.Context(), nil)
	if err == nil || broken != err {
		t.Fatalf("error is %v, and %v is remembered", err, broken)
	}
	err = Builder{}.explain(t.Context(), nil, "Containerfile", broken)
	if _, ok := errors.AsType[*crash.Error](err); !ok {
		t.Errorf("explained as %v", err)
	}
}

func TestGuardLeavesResultsAlone(t *testing.T) {
	want, failed := gateway.NewResult(), errors.New("failed")
	var broken error
	res, err := guard(func(context.Context, gateway.Client) (*gateway.Result, error) { return want, failed }, &broken)(t.Context(), nil)
	if res != want || err != failed || broken != nil {
		t.Errorf("got %v, %v, and %v is remembered", res, err, broken)
	}
}
