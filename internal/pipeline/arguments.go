package pipeline

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/secret"
)

// proxyArguments are build arguments that BuildKit keeps out of the history.
var proxyArguments = []string{"http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"}

// warnSecretArguments logs a warning for build arguments that look like secrets: an
// image keeps them in its history.
func warnSecretArguments(log Log, args map[string]string) error {
	args = maps.Clone(args)
	maps.DeleteFunc(args, func(name, _ string) bool { return slices.Contains(proxyArguments, strings.ToLower(name)) })
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
