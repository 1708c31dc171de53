package main

import (
	"io"
	"log"
	"net/http/httptest"
	"strings"

	"github.com/google/go-containerregistry/pkg/registry"
)

// registry measures a build that asks a registry whether anything has changed.
func (s *site) registry() error {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	name := strings.TrimPrefix(server.URL, "http://") + "/bench/toolbox:1"
	push := s.build()
	push.Args = append(push.Args, "--push="+name)
	if err := s.once(push); err != nil {
		return err
	}
	ask := s.build()
	ask.Args = append(ask.Args, "--if-changed="+name)
	all, err := s.byTurns(20, nil, ask)
	if err != nil {
		return err
	}
	row("`bkt build toolbox --if-changed`, a registry on this machine", all[0], "")
	return nil
}
