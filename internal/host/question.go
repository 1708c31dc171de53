package host

import (
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/crash"
)

// questions are the commands that a [Query] may run, by their first words; * is any
// word. None of them changes anything, so that a command of bkt that only looks
// cannot change anything either. Two entries start a process elsewhere: "exec" runs
// the script that lists packages in a container, and "run --rm" runs it in a new
// container without network, which exists only as long as the script runs.
var questions = []string{
	"bootc status",
	"docker diff", "docker exec --user root * sh -c", "docker image inspect", "docker images", "docker inspect", "docker ps", "docker run --rm --network none",
	"gh pr list",
	"git cat-file", "git check-ignore", "git config --get", "git config --type=bool --get", "git diff-files", "git log", "git ls-files", "git ls-remote", "git ls-tree",
	"git merge-base", "git remote get-url", "git rev-parse", "git status", "git symbolic-ref --quiet HEAD", "git var",
	"gnome-shell --version",
	"podman diff", "podman exec --user root * sh -c", "podman image exists", "podman image inspect", "podman images", "podman inspect", "podman ps", "podman run --rm --network none",
	"rpm-ostree status",
	"systemctl --user is-active", "systemctl --user is-enabled", "systemctl --user show",
}

// checkQuestion returns an error, which says that it is a bug, if a command is none of
// the questions.
func checkQuestion(argv []string) error {
	words := slices.Clone(argv)
	words[0] = filepath.Base(words[0])
	if words[0] == "git" {
		words = slices.Concat(words[:1], withoutGitOptions(words[1:]))
	}
	for _, q := range questions {
		if begins(words, strings.Fields(q)) {
			return nil
		}
	}
	return crash.From("\"" + strings.Join(argv, " ") + "\" is not a question")
}

// withoutGitOptions drops the options of git that say where and how it works.
func withoutGitOptions(words []string) []string {
	for len(words) > 0 {
		switch {
		case words[0] == "-C" && len(words) > 1:
			words = words[2:]
		case words[0] == "--no-optional-locks":
			words = words[1:]
		default:
			return words
		}
	}
	return words
}

func begins(words, pattern []string) bool {
	if len(words) < len(pattern) {
		return false
	}
	for i, p := range pattern {
		if p != "*" && p != words[i] {
			return false
		}
	}
	return true
}
