package main

import (
	"slices"

	"bkt/internal/hint"
	"bkt/internal/pipeline"
)

// networkFlags choose what build steps reach.
type networkFlags struct {
	Network       string   `enum:"default,host,none," default:"" placeholder:"NETWORK" help:"Network of steps: default (the engine's own, without the ports of this machine), host (that of the machine) or none (default: default)."`
	AllowHostPort []uint16 `placeholder:"PORT" help:"Let steps reach this port of 127.0.0.1 on this machine. Can be repeated."`
	HTTPProxy     bool     `name:"http-proxy" negatable:"" default:"true" help:"Pass the proxies of the environment, such as $https_proxy, to steps (default: yes)."`
}

// options adds the network to o.
func (f networkFlags) options(a *app, o pipeline.EngineOptions) pipeline.EngineOptions {
	o.Network, o.HostPorts, o.NoProxies, o.Warn = f.Network, f.AllowHostPort, !f.HTTPProxy, a.warnOnce
	return o
}

// warnOnce prints a warning, unless the command has printed it before. The output of
// --json has it, too.
func (a *app) warnOnce(err error) {
	w := warningJSON{err.Error(), hint.Of(err)}
	if slices.ContainsFunc(a.warnings, func(have warningJSON) bool { return have.Message == w.Message }) {
		return
	}
	a.warnings = append(a.warnings, w)
	a.Warn([]error{err})
}

// warningJSON is a warning in the output of --json.
type warningJSON struct {
	Message string   `json:"message"`
	Hints   []string `json:"hints,omitempty"`
}
