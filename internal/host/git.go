package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/plan"
	"bkt/internal/shell"
)

// hardening is the configuration of each git that bkt starts. A clone brings no
// configuration, but files in it can form a bare repository that has one, and programs
// in core.fsmonitor run with most commands (git-config(1)).
var hardening = []string{"safe.bareRepository=explicit", "core.fsmonitor=false"}

// asking is the configuration of a git that answers a question, in addition: it runs
// neither hooks nor gpg.
var asking = []string{"core.hooksPath=/dev/null", "log.showSignature=false"}

// noLocks keeps git from changing its index while it answers a question.
const noLocks = "GIT_OPTIONAL_LOCKS=0"

// noNetwork keeps git from fetching objects that a partial clone lacks, for which it
// would run a program in the repository's configuration (remote.*.uploadpack). The first
// variable is for older versions of git.
var noNetwork = []string{"GIT_ALLOW_PROTOCOL=none", "GIT_NO_LAZY_FETCH=1"}

// TrustKey is the key in the user's own configuration of git whose values are the
// folders of repositories whose configuration may run programs.
const TrustKey = "bkt.trustedRepository"

func isGit(r plan.Run) bool { return filepath.Base(r.Argv[0]) == "git" }

// hardenGit adds the hardening to a command of git, or of gh, which runs git.
func hardenGit(r plan.Run) plan.Run {
	switch {
	case isGit(r):
		return withConfig(r, hardening)
	case filepath.Base(r.Argv[0]) == "gh":
		r.Env = append(configEnv(os.Getenv("GIT_CONFIG_COUNT"), hardening), r.Env...)
	}
	return r
}

// withConfig adds configuration to a command of git.
func withConfig(r plan.Run, config []string) plan.Run {
	argv := r.Argv[:1:1]
	for _, c := range config {
		argv = append(argv, "-c", c)
	}
	r.Argv = append(argv, r.Argv[1:]...)
	return r
}

// configEnv returns the variables that add configuration to each git that a program
// starts, after the count values that the environment already has.
func configEnv(count string, config []string) []string {
	n, err := strconv.Atoi(count)
	if err != nil {
		n = 0
	}
	env := []string{fmt.Sprintf("GIT_CONFIG_COUNT=%d", n+len(config))}
	for i, c := range config {
		key, value, _ := strings.Cut(c, "=")
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", n+i, key), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", n+i, value))
	}
	return env
}

// offline adds to a command of git what keeps it from running hooks and from fetching.
func offline(r plan.Run) plan.Run {
	r = withConfig(r, asking)
	r.Env = slices.Concat(noNetwork, r.Env)
	return r
}

// A gitOutput runs a command of git and returns its output.
type gitOutput func(context.Context, plan.Run) ([]byte, error)

// askGit runs a question. If git would compare files with its index, for which it may
// run filters, the filters must be the user's own.
func askGit(ctx context.Context, r plan.Run, output gitOutput) ([]byte, error) {
	words := withoutGitOptions(r.Argv[1:])
	if slices.Contains([]string{"status", "diff-files"}, words[0]) {
		if err := checkConfig(ctx, gitFolder(r), output, func(key, _ string) bool { return runsNoFilter(key) }); err != nil {
			return nil, err
		}
	}
	return output(ctx, asQuestion(r, words[0]))
}

// asQuestion makes a command of git neither lock, nor run hooks, nor use the network,
// unless that is the question.
func asQuestion(r plan.Run, subcommand string) plan.Run {
	r.Env = append([]string{noLocks}, r.Env...)
	switch subcommand {
	case "rev-parse": // it runs no hook, but prints the folder of hooks
		r.Env = slices.Concat(noNetwork, r.Env)
		return r
	case "ls-remote":
		return withConfig(r, asking)
	}
	return offline(r)
}

// gitFolder returns the folder in which a command of git runs.
func gitFolder(r plan.Run) string {
	dir := r.Dir
	for i, word := range r.Argv[:len(r.Argv)-1] {
		if word == "-C" {
			dir = r.Argv[i+1]
		}
	}
	return dir
}

// runsNoFilter reports whether a key of git's configuration neither defines a filter of
// files nor includes other configuration, which may define one.
func runsNoFilter(key string) bool {
	section, _, _ := strings.Cut(key, ".")
	return !slices.Contains([]string{"filter", "include", "includeif"}, section)
}

// Git runs a command of git in dir that changes nothing, with stdin as its
// standard input, and returns its output. Root runs it as the owner of dir, so that git reads
// the owner's configuration. It is an error if git would have to run a filter that the
// repository's own configuration defines.
func (Query) Git(ctx context.Context, dir string, stdin []byte, args ...string) ([]byte, error) {
	r := plan.Run{Argv: append([]string{"git"}, args...), Dir: dir, Stdin: stdin}
	if err := checkQuestion(r.Argv); err != nil {
		return nil, err
	}
	return askGit(ctx, r, git)
}

// CheckGitConfig returns an error if the configuration of the git repository at dir, or
// of its work tree, has a key that is not harmless with its value; the user's own
// configuration is not looked at. Keys are as git prints them: section and name are in lower
// case. The user allows all keys with [TrustKey].
func (Query) CheckGitConfig(ctx context.Context, dir string, isHarmless func(key, value string) bool) error {
	return checkConfig(ctx, dir, git, isHarmless)
}

func checkConfig(ctx context.Context, dir string, output gitOutput, isHarmless func(key, value string) bool) error {
	ask := func(args ...string) ([]byte, error) {
		return output(ctx, asQuestion(plan.Run{Argv: append([]string{"git", "config"}, args...), Dir: dir}, "config"))
	}
	// What is included is not listed: the key that includes it is.
	list, err := ask("--no-includes", "--list", "--show-scope", "-z")
	if err != nil {
		return err
	}
	harmful := harmfulKeys(string(list), isHarmless)
	if len(harmful) == 0 {
		return nil
	}
	trusted, _ := ask("--global", "--includes", "--type=path", "--get-all", TrustKey) // it fails if it is not set
	if slices.ContainsFunc(strings.Split(string(trusted), "\n"), isFolder(dir)) {
		return nil
	}
	return untrusted(dir, harmful)
}

// harmfulKeys returns the keys of a repository and its work tree in the output of git config
// --show-scope -z that are not harmless, sorted.
func harmfulKeys(list string, isHarmless func(key, value string) bool) []string {
	var keys []string
	words := strings.Split(list, "\x00")
	for i := 0; i+1 < len(words); i += 2 {
		key, value, _ := strings.Cut(words[i+1], "\n")
		if scope := words[i]; (scope == "local" || scope == "worktree") && !isHarmless(key, value) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// isFolder returns a function that reports whether a path leads to the folder dir.
func isFolder(dir string) func(path string) bool {
	want, err := os.Stat(dir)
	return func(path string) bool {
		is, errPath := os.Stat(path)
		return path != "" && err == nil && errPath == nil && os.SameFile(want, is)
	}
}

// untrusted is the error for a repository whose configuration has harmful keys.
func untrusted(dir string, keys []string) error {
	more := ""
	if len(keys) > 1 {
		more = fmt.Sprintf(" and %d more", len(keys)-1)
	}
	err := fmt.Errorf("%s: the repository's own git configuration sets %s%s, which can run programs or redirect git", dir, shell.Show(keys[0]), more)
	return hint.Add(err, "see it with \"git -C %s config --show-origin --get-all %s\"; set it in your own configuration instead, or trust the repository's with \"git config --global --add %s %s\"",
		shell.Show(dir), shell.Show(keys[0]), TrustKey, shell.Show(dir))
}

// git runs a command of git as the owner of its folder, so that the owner gets all files
// of git.
func git(ctx context.Context, r plan.Run) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	cmd := command(ctx, r)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	asOwner(cmd)
	err := runnerOf(r)(ctx, cmd, &stderr)
	if errors.Is(err, exec.ErrNotFound) {
		err = hint.Add(errors.New("git is not installed"), "install git")
	}
	return stdout.Bytes(), err
}

// foreignRepository matches git's message about a repository of another user, in all
// languages. git adds what to do, with the path as a shell needs it.
var foreignRepository = regexp.MustCompile(`git config --global --add safe\.directory (.+)`)

// explainGit returns the error of git in plain words where it is about a repository that git
// does not use.
func explainGit(e *ExitError) error {
	m := foreignRepository.FindStringSubmatch(e.Stderr)
	if m == nil {
		return hintBare(e)
	}
	err := fmt.Errorf("the git repository %s belongs to another user, and git does not use it", m[1])
	return hint.Add(err, "run bkt as that user, or if you trust them with everything that you can do, run \"git config --global --add safe.directory %s\"", m[1])
}

// bareRepository matches git's message about a bare repository that it does not use, in
// all languages.
var bareRepository = regexp.MustCompile(`(/.*?)\W+safe\.bareRepository`)

// hintBare explains why git does not use a bare repository.
func hintBare(e *ExitError) error {
	m := bareRepository.FindStringSubmatch(e.Stderr)
	if m == nil {
		return e
	}
	err := fmt.Errorf("git uses no bare repository that lies among other files, because its configuration can run programs: %w", e)
	return hint.Add(err, "if it is yours, set GIT_DIR=%s and GIT_WORK_TREE; if not, it came with the files around it: remove %s",
		shell.Show(m[1]), shell.Show(filepath.Join(m[1], "HEAD")))
}
