// Package registry is bkt's edge to container registries. It copies images
// between OCI layouts, archives and registries, reports what registries have
// and whether the policy on signatures allows it, and returns the user's
// credentials.
//
// It uses the library of the containers project, so that bkt reads the same
// configuration as podman and skopeo: auth files, mirrors, certificates,
// policies (containers-auth.json(5), containers-registries.conf(5),
// containers-policy.json(5)).
package registry

import (
	"context"
	"fmt"
	"net"
	"os"

	"github.com/containers/image/v5/docker"
	"github.com/containers/image/v5/docker/reference"
	"github.com/containers/image/v5/pkg/docker/config"
	"github.com/containers/image/v5/types"
)

// dockerHub is the name of Docker Hub in auth files, and hubHost the host of its
// registry.
const (
	dockerHub = "docker.io"
	hubHost   = "registry-1.docker.io"
)

// Credentials returns the user and the password, or the identity token, for the
// registry host. Both are empty if the user has not logged in there. It is an error if
// the registry names a realm on another host.
func Credentials(ctx context.Context, host string) (user, secret string, err error) {
	if host == hubHost {
		host = dockerHub
	}
	if err := checkConfiguration(); err != nil {
		return "", "", err
	}
	auth, err := config.GetCredentials(system(), host)
	if err != nil {
		return "", "", fmt.Errorf("credentials for %s: %w", host, err)
	}
	if auth == (types.DockerAuthConfig{}) {
		return "", "", nil
	}
	named, err := reference.ParseNormalizedNamed(host + "/any")
	if err != nil {
		return "", "", fmt.Errorf("registry %q: %w", host, err)
	}
	ref, err := docker.NewReference(reference.TagNameOnly(named))
	if err != nil {
		return "", "", err
	}
	// An engine on another machine may reach a registry that this one cannot.
	if _, err := toPush(ctx, ref); isForeign(err) {
		return "", "", err
	}
	if auth.IdentityToken != "" {
		return "", auth.IdentityToken, nil
	}
	return auth.Username, auth.Password, nil
}

// CheckName returns an error if name is not the name of an image in a registry,
// such as "quay.io/someone/workstation:latest". Without a tag it means latest.
func CheckName(name string) error {
	_, err := parse(name)
	return err
}

func parse(name string) (types.ImageReference, error) {
	ref, err := reference.ParseNormalizedNamed(name)
	if err == nil {
		ref = reference.TagNameOnly(ref)
		if _, ok := ref.(reference.Tagged); !ok {
			return nil, fmt.Errorf("image %q: has a digest, but is pushed by a tag", name)
		}
		return docker.NewReference(ref)
	}
	return nil, fmt.Errorf("image %q: %w", name, err)
}

// host returns the host of the registry that ref names.
func host(ref types.ImageReference) string { return reference.Domain(ref.DockerReference()) }

// plainOnLoopback accepts a registry on this machine without a certificate,
// like the engine.
func plainOnLoopback(to types.ImageReference) *types.SystemContext {
	name := host(to)
	if only, _, err := net.SplitHostPort(name); err == nil {
		name = only
	}
	ip := net.ParseIP(name)
	if name == "localhost" || ip != nil && ip.IsLoopback() {
		sys := system()
		sys.DockerInsecureSkipTLSVerify = types.OptionalBoolTrue
		return sys
	}
	return system()
}

// system returns the configuration of the user or of the system.
// REGISTRY_AUTH_FILE is read by podman and skopeo, not by the library.
func system() *types.SystemContext {
	return &types.SystemContext{AuthFilePath: os.Getenv("REGISTRY_AUTH_FILE")}
}
