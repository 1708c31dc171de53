// Package registry is bkt's edge to container registries: it copies images from
// OCI layouts to them, says what they have and whether the policy on signatures
// allows it, and knows who the user is there.
//
// It speaks the containers project's library, so that bkt reads the same
// configuration as podman and skopeo: auth files, mirrors, certificates, policies
// (containers-auth.json(5), containers-registries.conf(5),
// containers-policy.json(5)). It builds nothing.
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

// dockerHub is what Docker Hub's registry is called in auth files, and
// hubHost is the host that it is reached by.
const (
	dockerHub = "docker.io"
	hubHost   = "registry-1.docker.io"
)

// Credentials returns the user and the password, or the identity token, with
// which the user has logged in to the registry host. Both are empty for a
// registry that the user has not logged in to. If the registry wants them to be
// sent to a host that is not its own, that is an error.
func Credentials(ctx context.Context, host string) (user, secret string, err error) {
	if host == hubHost {
		host = dockerHub
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
	// An engine that is elsewhere may reach what is out of reach from here.
	if _, err := toPush(ctx, ref); isForeign(err) {
		return "", "", err
	}
	if auth.IdentityToken != "" {
		return "", auth.IdentityToken, nil
	}
	return auth.Username, auth.Password, nil
}

// CheckName returns an error if name is not that of an image in a registry,
// such as "quay.io/someone/workstation:latest". One without a tag means latest.
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

// plainOnLoopback lets a registry on this machine do without a certificate, as
// the engine does.
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

// system is the configuration of the user or of the system. The library leaves
// it to programs to heed the variable that podman and skopeo know.
func system() *types.SystemContext {
	return &types.SystemContext{AuthFilePath: os.Getenv("REGISTRY_AUTH_FILE")}
}
