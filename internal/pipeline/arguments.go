package pipeline

import (
	"encoding/json"
	"fmt"
	"strings"

	"bkt/internal/buildspec"
	"bkt/internal/hint"
	"bkt/internal/proxy"
	"bkt/internal/secret"
)

// warnSecretArguments logs a warning for build arguments that look like secrets: an
// image keeps them in its history.
func warnSecretArguments(log Log, specs []buildspec.Spec) error {
	args := map[string]string{}
	for _, s := range specs {
		f, err := s.Parse()
		if err != nil {
			return err
		}
		for name, value := range s.Args {
			// BuildKit keeps proxies out of the history, unless an ARG declares them.
			if !proxy.IsVariable(name) || f.HasArg(name) {
				args[name] = value
			}
		}
	}
	item, err := json.Marshal(map[string]any{"env": args})
	if err != nil {
		return err
	}
	for _, found := range secret.All(item) {
		found = strings.Replace(found, " in env ", " in ", 1)
		log.Warn([]error{hint.Add(fmt.Errorf("--build-arg: %s: the image's history keeps it", found),
			"pass it with --secret id=ID,src=FILE, and read it with RUN --mount=type=secret,id=ID")})
	}
	return nil
}
