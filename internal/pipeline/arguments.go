package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"bkt/internal/buildspec"
	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/proxy"
	"bkt/internal/secret"
)

// checkArguments logs a warning for build arguments that look like secrets: an image keeps
// them in its history. A target that is no stage is an error.
func checkArguments(log Log, specs []buildspec.Spec) error {
	flags, declared := map[string]string{}, map[string]string{}
	for _, s := range specs {
		f, err := s.Parse()
		if err != nil {
			return err
		}
		if err := s.CheckTarget(f); err != nil {
			return err
		}
		for name, value := range s.Args {
			// BuildKit keeps proxies out of the history, unless an ARG declares them.
			if proxy.IsVariable(name) && !f.HasArg(name) {
				continue
			}
			if slices.Contains(s.DeclaredArgs, name) {
				declared[name] = value
			} else {
				flags[name] = value
			}
		}
	}
	return errors.Join(warnSecrets(log, "--build-arg", flags), warnSecrets(log, manifest.ImagePath, declared))
}

// warnSecrets logs a warning for each of the arguments that looks like a secret. from is
// where they come from.
func warnSecrets(log Log, from string, args map[string]string) error {
	item, err := json.Marshal(map[string]any{"env": args})
	if err != nil {
		return err
	}
	for _, found := range secret.All(item) {
		found = strings.Replace(found, " in env ", " in ", 1)
		log.Warn([]error{hint.Add(fmt.Errorf("%s: %s: the image's history keeps it", from, found),
			"pass it with --secret id=ID,src=FILE, and read it with RUN --mount=type=secret,id=ID")})
	}
	return nil
}
