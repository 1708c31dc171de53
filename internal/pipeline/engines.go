package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"bkt/internal/engine/contract"
	"bkt/internal/engineclient"
	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/owner"
	"bkt/internal/plan"
	"bkt/internal/version"
	"bkt/internal/workspace"
)

// engines parses the values of --engine. An address without a platform is the engine
// for all other platforms; without one, BUILDKIT_HOST names that engine. tls is the
// folder with the TLS certificates for engines at tcp://.
func engines(texts []string, tls string) (cfg engineclient.Config, byPlatform map[string]string, err error) {
	cfg = FindEngine()
	named := map[string]string{}
	for _, text := range texts {
		platform, address := cutPlatform(text)
		if _, twice := named[platform]; twice {
			return cfg, nil, engineTwice(platform)
		}
		if address == "" {
			return cfg, nil, fmt.Errorf("--engine %q: no address", text)
		}
		named[platform] = address
	}
	if address, ok := named[""]; ok {
		cfg.Address = address
		delete(named, "")
	}
	cfg.TLS = tls
	return cfg, named, CheckTLS(cfg, named)
}

// CheckTLS returns an error if no engine uses the certificates.
func CheckTLS(cfg engineclient.Config, named map[string]string) error {
	addresses := slices.Collect(maps.Values(named))
	for _, address := range append(addresses, cfg.Address) {
		if cfg.TLS == "" || strings.HasPrefix(address, "tcp://") {
			return nil
		}
	}
	return hint.Add(errors.New("--tlsdir needs an engine at tcp://"), "name one with --engine tcp://HOST:PORT")
}

func engineTwice(platform string) error {
	if platform == "" {
		return hint.Add(fmt.Errorf("--engine: two engines for all platforms"), "name the platform of one of them, as in linux/arm64=ADDRESS")
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

// FindEngine returns where to look for an engine without a flag.
func FindEngine() engineclient.Config {
	cfg, err := Startable()
	cfg.ProgramErr = err // does not matter if another engine works
	cfg.Address = engineclient.Auto
	if host := os.Getenv("BUILDKIT_HOST"); host != "" {
		cfg.Address = host
	}
	cfg.Discovery = engineclient.DiscoverFrom(OwnEnv)
	return cfg
}

// OwnEngine returns where bkt's own engine is, without looking for its program.
func OwnEngine() (engineclient.Config, error) {
	root, socket, err := engineclient.Defaults(OwnEnv, os.Geteuid())
	return engineclient.Config{Root: root, Socket: socket, Version: version.String()}, err
}

// OwnEnv is the environment without the folders of another user, which su and sudo
// may leave in it: the engine of one user is not for another.
func OwnEnv(name string) string {
	value := os.Getenv(name)
	switch uid, known := ownerOf(value); {
	case name == "XDG_RUNTIME_DIR" && known && uid != os.Geteuid():
		return ""
	case name == "XDG_DATA_HOME" && workspace.CheckDesktop() != nil && !isRoots(value):
		return ""
	}
	return value
}

func ownerOf(path string) (uid int, known bool) {
	var stat unix.Stat_t
	err := unix.Stat(path, &stat)
	return int(stat.Uid), err == nil
}

// isRoots reports whether a folder belongs to root, or would if root created it.
func isRoots(path string) bool {
	uid, err := owner.Of(path)
	return err == nil && uid == 0
}

// Startable returns the own engine with the program to start it with.
func Startable() (engineclient.Config, error) {
	cfg, err := OwnEngine()
	if err != nil {
		return cfg, err
	}
	executable, err := os.Executable()
	if err != nil {
		return cfg, err
	}
	cfg.Program, err = engineclient.FindEngine(executable)
	return cfg, err
}

// credentials returns the function that asks bkt-engine for the user's password for a
// registry.
func credentials(program string) func(context.Context, string) (user, secret string, err error) {
	if program == "" {
		return nil
	}
	return func(ctx context.Context, registry string) (string, string, error) {
		var c contract.Credentials
		err := ask(ctx, &c, program, "credentials", registry)
		return c.User, c.Secret, err
	}
}

// ask runs a command of bkt-engine and decodes its output, JSON, into v. Errors are
// those of [answer].
func ask(ctx context.Context, v any, argv ...string) error {
	out, err := answer(ctx, argv...)
	if err != nil {
		return err
	}
	return json.Unmarshal(out, v)
}

// answer runs a command of bkt-engine and returns its output. Errors that the program
// prints are returned with their hints, as errors of bkt.
func answer(ctx context.Context, argv ...string) ([]byte, error) {
	out, err := host.Executor{}.Output(ctx, plan.Run{Argv: argv})
	if exit, ok := errors.AsType[*host.ExitError](err); ok {
		return nil, contract.ReadErrors(exit.Stderr, err)
	}
	return out, err
}

// run runs a command of bkt-engine and returns its output. Its progress and errors
// go to log; an error that bkt-engine has printed there is [ErrReported].
func run(ctx context.Context, log Log, args ...string) ([]byte, error) {
	cfg, err := Startable()
	if err != nil {
		return nil, err
	}
	argv := append([]string{cfg.Program}, args...)
	if log.Log() == io.Discard {
		return answer(ctx, argv...)
	}
	out, err := host.Executor{}.OutputLogged(ctx, log.Log(), plan.Run{Argv: argv})
	if _, ok := errors.AsType[*host.ExitError](err); ok {
		return nil, ErrReported
	}
	return out, err
}
