package manifest

import (
	"errors"
	"reflect"
	"slices"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/strictjson"

	"github.com/go-json-experiment/json/jsontext"
)

// A Hook is a shell command that a container runs at every start.
type Hook struct {
	Run      string   `json:"run"`                // the command
	As       string   `json:"as,omitempty"`       // "user" or "root"
	Volatile []string `json:"volatile,omitempty"` // paths that each run may change
	Allow    []string `json:"allow,omitempty"`    // rules that it may break; the comment says why
	Comment  string   `json:"comment,omitempty"`
	Bare     bool     `json:"-"` // written as a string
}

// Form implements [strictjson.Union].
func (h *Hook) Form(kind jsontext.Kind) any {
	return textOrObject(kind, &h.Bare, &h.Run, (*hook)(h))
}

// A hook is a Hook in the form of an object.
type hook Hook

// MarshalJSONTo implements json.MarshalerTo.
func (h Hook) MarshalJSONTo(e *jsontext.Encoder) error {
	return writeTextOrObject(e, reflect.DeepEqual(h, Hook{Run: h.Run, Bare: true}), h.Run, hook(h))
}

func (h Hook) canonical() Hook {
	h.Volatile = sorted(h.Volatile, strings.Compare)
	h.Allow = sorted(h.Allow, strings.Compare)
	return h
}

// A PreHook is a shell command that a container runs at every start before its setup, as
// root.
type PreHook struct {
	Run      string   `json:"run"`                // the command; several lines are one script
	Volatile []string `json:"volatile,omitempty"` // paths that each run may change
	Allow    []string `json:"allow,omitempty"`    // rules that it may break; the comment says why
	Comment  string   `json:"comment,omitempty"`
	Bare     bool     `json:"-"` // written as a string
}

// Form implements [strictjson.Union].
func (h *PreHook) Form(kind jsontext.Kind) any {
	return textOrObject(kind, &h.Bare, &h.Run, (*preHook)(h))
}

// A preHook is a PreHook in the form of an object.
type preHook PreHook

// MarshalJSONTo implements json.MarshalerTo.
func (h PreHook) MarshalJSONTo(e *jsontext.Encoder) error {
	return writeTextOrObject(e, reflect.DeepEqual(h, PreHook{Run: h.Run, Bare: true}), h.Run, preHook(h))
}

func (h PreHook) canonical() PreHook {
	h.Volatile = sorted(h.Volatile, strings.Compare)
	h.Allow = sorted(h.Allow, strings.Compare)
	return h
}

func (h PreHook) check(o strictjson.Object) { h.hook().checkAlways(o) }

// hook returns the hook that runs as root.
func (h PreHook) hook() Hook {
	return Hook{Run: h.Run, As: "root", Volatile: h.Volatile, Allow: h.Allow, Comment: h.Comment, Bare: h.Bare}
}

func (h Hook) check(o strictjson.Object) {
	o.Optional("as", h.As, strictjson.OneOf("user", "root"))
	h.checkAlways(o)
}

// checkAlways checks what all hooks have.
func (h Hook) checkAlways(o strictjson.Object) {
	checkItemText(o, h.Bare, "hook", "run", h.Run, checkScript)
	o.List("volatile", "path", h.Volatile, checkHomePath)
	o.List("allow", "rule", h.Allow, checkHookRule)
	if len(h.Allow) > 0 && h.Comment == "" {
		o.Add(o.Pointer+"/allow", hint.Add(errors.New("allow needs a comment"), `say why the hook may break the rule: "comment": "REASON"`))
	}
	checkItemComment(o, h.Comment)
}

// HookRules are the rules that a hook can allow: those of bkt hook check, with and without
// --run, except the ones without which nothing is checked.
var HookRules = []string{
	"append", "substitute", "crontab", "git-config-add", "another", "mkdir", "link", "into-folder", "special-file", "account", "remote", "clone", "move",
	"remove", "once", "status", "asks", "overwrite", "varying", "temporary-file", "wget-copy", "pinned-version", "temporary-download", "curl-fail",
	"pipe-to-shell", "needs-root", "run-twice", "leftover", "old-home",
}

// checkHookRule checks the name of a rule.
func checkHookRule(s string) error {
	if slices.Contains(HookRules, s) {
		return nil
	}
	err := errors.New("is not a rule that a hook can allow")
	if near, ok := strictjson.Nearest(s, HookRules); ok {
		return hint.Add(err, "write %q", near)
	}
	return hint.Add(err, "the rules are %s", strings.Join(HookRules, ", "))
}

// checkScript checks the form of a shell script of one or more lines.
func checkScript(s string) error {
	if strings.TrimSpace(s) == "" {
		return checkLine(s)
	}
	return checkText(s)
}

// A PlacedHook is a hook of a container with its place in the manifest.
type PlacedHook struct {
	Hook
	Pre bool // it runs before the setup of the container, as root

	source  *Source
	pointer jsontext.Pointer // of the command
}

// Hooks returns the hooks of a container in the order in which they run, none if the
// container is not declared. source is the source of f.
func (f Containers) Hooks(container string, source *Source) []PlacedHook {
	var all []PlacedHook
	declared := f.Containers[container]
	at := pointerTo(container)
	for i, h := range declared.PreInitHooks {
		p := textPointer(strictjson.Item(at+"/pre_init_hooks", i), h.Bare, "run")
		all = append(all, PlacedHook{h.hook(), true, source, p})
	}
	for i, h := range declared.InitHooks {
		p := textPointer(strictjson.Item(at+"/init_hooks", i), h.Bare, "run")
		all = append(all, PlacedHook{h, false, source, p})
	}
	return all
}

// At returns the position of a byte of the hook's command.
func (h PlacedHook) At(offset int) Position { return h.source.InString(h.pointer, offset) }
