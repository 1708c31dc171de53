package host

import (
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/crash"
)

// questions are the commands that a [Query] may run, by their first words; * is any
// word. None of them changes anything, so that code with only a Query cannot change
// anything either. Two entries start a process in a container: "exec" runs the script that
// lists packages, and "run --rm" runs it in a temporary container without network.
var questions = []string{
	"bootc status",
	"docker diff", "docker exec --user root * sh -c", "docker image inspect", "docker images", "docker inspect", "docker ps", "docker run --rm --network none",
	"gh pr list",
	"git cat-file", "git check-attr", "git check-ignore", "git config --get", "git config --global --includes --type=path --get-all", "git config --global --type=path --get-all", "git config --no-includes --list", "git config --type=bool --get", "git diff-files", "git log", "git ls-files", "git ls-remote", "git ls-tree",
	"git merge-base", "git merge-file -p", "git remote get-url", "git rev-parse", "git status", "git symbolic-ref --quiet HEAD", "git var",
	"gnome-shell --version",
	"podman diff", "podman exec --user root * sh -c", "podman image exists", "podman image inspect", "podman images", "podman inspect", "podman ps", "podman run --rm --network none",
	"rpm-ostree status",
	"systemctl --user is-active", "systemctl --user is-enabled", "systemctl --user show",
}

// checkQuestion returns an error that reports a bug if a command is not one of the
// questions.
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

// withoutGitOptions removes the global options of git.
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
