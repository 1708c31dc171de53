package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"bkt/internal/buildkit"
	"bkt/internal/hint"
)

// engines parses the values of --engine: an address is that of the engine for
// all platforms that none is named for. Without one, BUILDKIT_HOST names it.
// tls is the folder with what engines on a network are spoken to with.
func engines(texts []string, tls string) (cfg buildkit.Config, byPlatform map[string]string, err error) {
	cfg = findEngine()
	named := map[string]string{}
	for _, text := range texts {
		platform, address := cutPlatform(text)
		if _, twice := named[platform]; twice {
			return cfg, nil, engineTwice(platform)
		}
		if address == "" {
			return cfg, nil, fmt.Errorf("--engine %q: no address in it", text)
		}
		named[platform] = address
	}
	if address, ok := named[""]; ok {
		cfg.Address = address
		delete(named, "")
	}
	cfg.TLS = tls
	return cfg, named, checkTLS(cfg, named)
}

// checkTLS returns an error if there is no engine to use certificates for.
func checkTLS(cfg buildkit.Config, named map[string]string) error {
	addresses := slices.Collect(maps.Values(named))
	for _, address := range append(addresses, cfg.Address) {
		if cfg.TLS == "" || strings.HasPrefix(address, "tcp://") {
			return nil
		}
	}
	return hint.Add(errors.New("--tlsdir is for engines at tcp://, and none is named"), "name it with --engine")
}

func engineTwice(platform string) error {
	if platform == "" {
		return hint.Add(fmt.Errorf("--engine: two engines for all platforms"), "say which platform one of them is for, as in linux/arm64=ADDRESS")
	}
	return fmt.Errorf("--engine: two engines for %s", platform)
}

// cutPlatform cuts OS/ARCH= from an address. An address has a = only after its ://.
func cutPlatform(text string) (platform, address string) {
	platform, address, ok := strings.Cut(text, "=")
	if !ok || strings.Contains(platform, ":") {
		return "", text
	}
	return platform, address
}

// findEngine returns where to look for an engine if no flag says so.
func findEngine() buildkit.Config {
	cfg, err := startable()
	cfg.Absent = err // which another engine makes up for
	cfg.Address = buildkit.Auto
	if host := os.Getenv("BUILDKIT_HOST"); host != "" {
		cfg.Address = host
	}
	cfg.Around = buildkit.Around(ownEnv)
	return cfg
}
