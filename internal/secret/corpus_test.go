package secret_test

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"bkt/internal/secret"
)

// A labelled case is an item, and whether it has a secret.
type labelled struct {
	line   string
	item   map[string]any
	secret bool
}

// seeds is how many texts with random characters are made for each case.
const seeds = 10

// The minimum share of found secrets, and the maximum share of innocent items that are
// reported.
const (
	minRecall = 0.95
	maxFalse  = 0.04
)

// TestConfusion prints how many of the labelled cases are found, and fails if too few
// secrets, or too many innocent cases, are found. The second list was written before the
// scanner, and without it. Known wrong results are listed as missed, so that the test fails
// for each new one.
func TestConfusion(t *testing.T) {
	for _, name := range []string{"cases.txt", "heldout.txt"} {
		t.Run(name, func(t *testing.T) {
			var found, secrets, wrong, innocent int
			missed := expected(t)
			for seed := range uint64(seeds) {
				for _, c := range cases(t, "testdata/"+name, seed) {
					item, err := json.Marshal(c.item)
					if err != nil {
						t.Fatal(err)
					}
					what := secret.Find(item, nil)
					switch {
					case c.secret:
						secrets++
						found += hits(what)
					default:
						innocent++
						wrong += hits(what)
					}
					if c.secret != (what != "") && !missed[c.line] {
						t.Errorf("%s: %q (%s)", c.line, what, item)
					}
				}
			}
			recall, false := float64(found)/float64(secrets), float64(wrong)/float64(innocent)
			t.Logf("\n          found  not found\nsecret    %5d  %5d   recall %.1f %%\ninnocent  %5d  %5d   false  %.1f %%",
				found, secrets-found, 100*recall, wrong, innocent-wrong, 100*false)
			if recall < minRecall || false > maxFalse {
				t.Error("too few secrets or too many innocent cases are found")
			}
		})
	}
}

func hits(what string) int {
	if what == "" {
		return 0
	}
	return 1
}

// expected returns the cases with a known wrong result.
func expected(t *testing.T) map[string]bool {
	text, err := os.ReadFile("testdata/missed.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		lines[strings.TrimRight(line, "\n")] = !strings.HasPrefix(line, "#")
	}
	return lines
}

func cases(t *testing.T, name string, seed uint64) []labelled {
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var all []labelled
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		sum := fnv.New64()
		_, _ = sum.Write([]byte(line))
		r := rand.New(rand.NewPCG(seed, sum.Sum64()))
		kind, rest, _ := strings.Cut(line[2:], " ")
		all = append(all, labelled{line, itemOf(t, kind, drawn(r, rest)), line[0] == '+'})
	}
	return all
}

// alphabets are the alphabets of random texts in the cases.
var alphabets = map[string]string{
	"hex": "0123456789abcdef",
	"HEX": "0123456789ABCDEF",
	"dec": "0123456789",
	"low": "abcdefghijklmnopqrstuvwxyz0123456789",
	"b32": "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
	"b62": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
	"b64": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
	"raw": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
	"url": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
	"upp": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
}

var randomPattern = regexp.MustCompile(`\{\{(\w+)(?: (\d+))?\}\}`)

// drawn returns a text with its placeholders replaced by random characters; b64 is replaced
// by random bytes in base64.
func drawn(r *rand.Rand, text string) string {
	return randomPattern.ReplaceAllStringFunc(text, func(m string) string {
		parts := randomPattern.FindStringSubmatch(m)
		n, _ := strconv.Atoi(parts[2])
		switch parts[1] {
		case "uuid":
			h := word(r, "hex", 32)
			return fmt.Sprintf("%s-%s-4%s-a%s-%s", h[:8], h[8:12], h[13:16], h[17:20], h[20:])
		case "b64":
			return word(r, "b64", (n*8+5)/6) + strings.Repeat("=", (3-n%3)%3)
		}
		return word(r, parts[1], n)
	})
}

func word(r *rand.Rand, alphabet string, n int) string {
	var b strings.Builder
	for range n {
		b.WriteByte(alphabets[alphabet][r.IntN(len(alphabets[alphabet]))])
	}
	return b.String()
}

// itemOf returns the item of a case, in the form of manifests.
func itemOf(t *testing.T, kind, text string) map[string]any {
	list := []string{"--socket=x11", text}
	switch kind {
	case "env":
		name, value, _ := strings.Cut(text, "=")
		return map[string]any{"name": "dev", "image": "example.org/dev:1", "env": map[string]string{"EDITOR": "vi", name: value}}
	case "flag":
		return map[string]any{"app": "org.example.App", "scope": "user", "flags": list}
	case "addflag":
		return map[string]any{"name": "dev", "image": "example.org/dev:1", "additional_flags": []string{text}}
	case "hook":
		return map[string]any{"name": "dev", "image": "example.org/dev:1", "init_hooks": []string{"true", strings.ReplaceAll(text, `\n`, "\n")}}
	case "pre":
		return map[string]any{"name": "dev", "image": "example.org/dev:1", "pre_init_hooks": []string{text}}
	case "volume":
		return map[string]any{"name": "dev", "image": "example.org/dev:1", "volume": []string{text}}
	case "image":
		return map[string]any{"name": "dev", "image": text}
	case "url":
		return map[string]any{"name": "app", "url": text, "sha256": strings.Repeat("0123456789abcdef", 4)}
	case "remote":
		return map[string]any{"name": "remote", "scope": "user", "url": text}
	case "source":
		return map[string]any{"id": "x@example.org", "source": text}
	case "comment":
		return map[string]any{"id": "org.example.App", "remote": "flathub", "scope": "user", "comment": text}
	case "id":
		return map[string]any{"id": text}
	case "unit":
		return map[string]any{"scope": "user", "unit": text, "state": "enabled"}
	case "item":
		var item map[string]any
		if err := json.Unmarshal([]byte(text), &item); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return item
	case "setting":
		parts := strings.SplitN(text, " ", 3)
		return map[string]any{"schema": parts[0], "key": parts[1], "value": parts[2]}
	}
	t.Fatalf("a case of kind %q", kind)
	return nil
}
