// Package secret tells what looks like a password or a token. It is for what is
// written into a repository with no one looking, so that it rather finds too
// much than too little. It never repeats what it has found.
package secret

import (
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// tokens are the forms that well-known services give to theirs.
var tokens = []struct{ what, pattern string }{
	{"a token of GitHub", `\b(gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,})`},
	{"a token of GitLab", `\bgl(pat|ptt|dt|rt|cbt|soat|ft|agent|oas)-[A-Za-z0-9_-]{20,}`},
	{"an access key of AWS", `\b(AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b`},
	{"a key of Google", `\bAIza[A-Za-z0-9_-]{35}`},
	{"a token of Google", `\bya29\.[A-Za-z0-9_-]{20,}`},
	{"a token of Slack", `\bxox[abeoprs]-[A-Za-z0-9-]{10,}`},
	{"a webhook of Slack", `hooks\.slack\.com/(services|workflows)/[A-Za-z0-9/+]{20,}`},
	{"a webhook of Discord", `discord(app)?\.com/api/webhooks/[0-9]+/[A-Za-z0-9_-]{20,}`},
	{"a key of Stripe", `\b[rs]k_(live|test)_[A-Za-z0-9]{16,}`},
	{"a key of OpenAI or Anthropic", `\bsk-(proj-|ant-|svcacct-)?[A-Za-z0-9_-]{32,}`},
	{"a token of npm", `\bnpm_[A-Za-z0-9]{36}`},
	{"a token of PyPI", `\bpypi-[A-Za-z0-9_-]{40,}`},
	{"a token of Docker", `\bdckr_(pat|oat)_[A-Za-z0-9_-]{20,}`},
	{"a token of Hugging Face", `\bhf_[A-Za-z0-9]{30,}`},
	{"a token of DigitalOcean", `\bdo[opr]_v1_[a-f0-9]{64}`},
	{"a key of SendGrid", `\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}`},
	{"a token of Telegram", `\b[0-9]{8,10}:AA[A-Za-z0-9_-]{33}`},
	{"a key of Tailscale", `\btskey-[a-z]+-[A-Za-z0-9-]{16,}`},
	{"a token of Vault", `\bhv[sbr]\.[A-Za-z0-9_-]{24,}`},
	{"a key of age", `\bAGE-SECRET-KEY-1[0-9A-Z]{50,}`},
	{"a private key", `-----BEGIN [A-Z ]*PRIVATE KEY( BLOCK)?-----`},
	{"a JSON web token", `\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+`},
	{"a password in a URL", `[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/:@'"]*:[^\s/@'"]{3,}@`},
	{"a password of HTTP", `(?i)\b(bearer|basic) [A-Za-z0-9+/_.=-]{16,}`},
}

// named is a value whose name says what it is.
const named = `(?i)\b([a-z0-9_.-]*(passwo?r?d|passphrase|secret|token|api_?-?key|credential|private_?-?key|access_?-?key)s?)["']?\s*[=:]\s*[\[({<]*["']?([^\s"',;&>]{8,})`

// plain is a value that many would choose, and no secret: words, paths and names
// of programs.
const plain = `^([a-z]+([-. ][a-z]+)*|[/~$%].*|[A-Z]+(_[A-Z]+)*)$`

// word is what may be a random one.
const word = `[A-Za-z0-9+/_-]{20,}={0,2}`

// public are the fields of manifests that look random and are no secrets.
var public = map[string]bool{"gpg_key": true, "sha256": true, "commit": true, "digest": true, "fingerprint": true, "comment": true}

// In returns what kind of secret an item, in JSON, seems to hold: "" for none.
// What the item held before, which may be nil, is no longer one. names are what
// the item is called where its fields do not say: the name of a setting.
func In(item, before []byte, names ...string) string {
	var value any
	if json.Unmarshal(item, &value) != nil {
		return find(string(item))
	}
	known := texts(before)
	found := ""
	visit(value, func(field, text string) {
		if known[text] {
			return
		}
		if found == "" && !public[field] {
			found = cmp.Or(find(text), findNamed(field+"="+text))
		}
		if found == "" && field == "value" {
			found = findNamed(strings.Join(names, " ") + "=" + strings.Trim(text, `'"`))
		}
	})
	return found
}

// texts returns the strings in an item.
func texts(item []byte) map[string]bool {
	var value any
	all := map[string]bool{}
	if json.Unmarshal(item, &value) == nil {
		visit(value, func(_, text string) { all[text] = true })
	}
	return all
}

// visit calls f for every string in a value, with the name of the field.
func visit(value any, f func(field, text string)) {
	var walk func(string, any)
	walk = func(field string, v any) {
		switch v := v.(type) {
		case string:
			f(field, v)
		case []any:
			for _, e := range v {
				walk(field, e)
			}
		case map[string]any:
			for _, name := range slices.Sorted(maps.Keys(v)) {
				walk(name, v[name])
			}
		}
	}
	walk("", value)
}

// Patterns are compiled when they are needed: a program that finds nothing to
// capture has not paid for them.
var (
	tokenPatterns = sync.OnceValue(func() []*regexp.Regexp {
		var all []*regexp.Regexp
		for _, t := range tokens {
			all = append(all, regexp.MustCompile(t.pattern))
		}
		return all
	})
	namedPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(named) })
	wordPattern  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(word) })
	plainPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(plain) })
)

func find(text string) string {
	for i, p := range tokenPatterns() {
		if p.MatchString(text) {
			return tokens[i].what
		}
	}
	if what := findNamed(text); what != "" {
		return what
	}
	for _, w := range wordPattern().FindAllString(text, -1) {
		if random(w) {
			return "a random word"
		}
	}
	return ""
}

func findNamed(text string) string {
	m := namedPattern().FindStringSubmatch(text)
	if m == nil || plainPattern().MatchString(m[3]) && !isWordOfPassword(m[2], m[3]) {
		return ""
	}
	return "a value that is named like a secret"
}

// isWordOfPassword reports whether a plain value is nonetheless what someone may
// have for a password: words, and neither paths nor variables.
func isWordOfPassword(name, value string) bool {
	return strings.HasPrefix(strings.ToLower(name), "pass") && !strings.ContainsAny(value[:1], "/~$%")
}

// minEntropy is how many bits each character of a random word has at least. Words
// of languages and paths have less, hashes in hexadecimal no more than four.
const minEntropy = 3.9

// random reports whether a word looks as if a machine had drawn it: letters of
// both cases among digits. A path is several words.
func random(w string) bool {
	for part := range strings.SplitSeq(w, "/") {
		if len(part) >= 20 && mixed(part) && entropy(part) >= minEntropy {
			return true
		}
	}
	return false
}

// digitsIn is in how many characters of a random word there is a digit at least;
// of letters and digits alike, there would be one in six.
const digitsIn = 12

// mixed reports whether there are letters of both cases and digits, not just a
// number at the end of a name.
func mixed(w string) bool {
	trimmed := strings.TrimRight(w, "0123456789")
	digits := strings.Count(strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return '0'
		}
		return r
	}, trimmed), "0")
	return digits*digitsIn >= len(w) && strings.ToLower(w) != w && strings.ToUpper(w) != w
}

// entropy is how many bits a character of a word has, by how often each is there.
func entropy(w string) float64 {
	counts := map[rune]float64{}
	for _, r := range w {
		counts[r]++
	}
	bits := 0.0
	for _, n := range counts {
		p := n / float64(len(w))
		bits -= p * math.Log2(p)
	}
	return bits
}
