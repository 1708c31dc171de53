package pipeline

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"bkt/internal/buildspec"
	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/repo"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// provenance returns the labels that say from which commit of which repository an image
// is built; see https://github.com/opencontainers/image-spec/blob/main/annotations.md. They
// follow from the commit alone, so that two builds of it are the same. With changes that
// are not committed, or without git, only the repository is known.
func provenance(ctx context.Context, log Log, r repo.Repo, s buildspec.Spec) map[string]string {
	labels := map[string]string{}
	if epoch, err := strconv.ParseInt(s.Args["SOURCE_DATE_EPOCH"], 10, 64); err == nil {
		labels[ocispec.AnnotationCreated] = timeOf(epoch)
	}
	if !host.Installed("git") {
		return labels
	}
	source, err := Source(ctx, r)
	if err != nil {
		log.Warn([]error{hint.Add(err, "the image will not have the label %s", ocispec.AnnotationSource)})
	}
	if source != "" {
		labels[ocispec.AnnotationSource] = source
	}
	commit, seconds, err := cleanCommit(ctx, r)
	if err != nil {
		err = fmt.Errorf("cannot find out which commit the image is built from: %w", err)
		log.Warn([]error{hint.Add(err, "the image will not have the label %s", ocispec.AnnotationRevision)})
	}
	if commit == "" {
		return labels
	}
	labels[ocispec.AnnotationRevision] = commit
	labels[ocispec.AnnotationVersion] = time.Unix(seconds, 0).UTC().Format("20060102") + "." + commit[:12]
	if labels[ocispec.AnnotationCreated] == "" {
		labels[ocispec.AnnotationCreated] = timeOf(seconds)
	}
	return labels
}

// Source returns the address of the repository, for people, that git knows as origin; "" if
// there is none.
func Source(ctx context.Context, r repo.Repo) (string, error) {
	remote, err := host.Query{}.Git(ctx, r.Root, nil, "remote", "get-url", "origin")
	if ended, ok := errors.AsType[*host.ExitError](err); ok && ended.Status == noRemote || err != nil && r.NoGit(err) == nil {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("cannot find out which repository the image is built from: %w", err)
	}
	return sourceURL(strings.TrimSpace(string(remote))), nil
}

// noRemote is the exit status of "git remote get-url" for a remote that does not exist; see
// git-remote(1).
const noRemote = 2

func timeOf(seconds int64) string { return time.Unix(seconds, 0).UTC().Format(time.RFC3339) }

// cleanCommit returns the commit that is checked out, and its time in seconds since 1970.
// The commit is empty if there is none, and if something is not committed.
func cleanCommit(ctx context.Context, r repo.Repo) (commit string, seconds int64, err error) {
	changed, err := r.Uncommitted(ctx, host.Query{})
	changed = slices.DeleteFunc(changed, func(name string) bool { return strings.HasPrefix(name, Folder+"/") })
	if err != nil || len(changed) > 0 {
		return "", 0, err
	}
	out, err := host.Query{}.Git(ctx, r.Root, nil, "log", "-1", "--format=%H %ct")
	if err != nil { // there is no commit, or no repository
		return "", 0, nil
	}
	commit, text, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	seconds, err = strconv.ParseInt(text, 10, 64)
	if err == nil && len(commit) < 12 {
		err = errors.New("git does not print a commit")
	}
	return commit, seconds, err
}

// sourceURL returns the address of a repository for people, from the one for git; "" for a
// folder. A password is never part of it.
func sourceURL(remote string) string {
	host, path, isShort := strings.Cut(remote, ":")
	if isShort && !strings.Contains(host, "/") && !strings.HasPrefix(path, "/") && !strings.HasPrefix(path, ":") { // git@example.org:someone/project.git
		_, name, found := strings.Cut(host, "@")
		if !found {
			name = host
		}
		remote = "https://" + name + "/" + path
	}
	u, err := url.Parse(remote)
	if err != nil || u.Host == "" {
		return ""
	}
	switch u.Scheme {
	case "http", "https":
	case "ssh", "git", "git+ssh":
		u.Scheme, u.Host = "https", u.Hostname()
	default:
		return ""
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	u.Path = strings.TrimSuffix(strings.TrimRight(u.Path, "/"), ".git")
	u.RawPath = ""
	return u.String()
}
