package secret

import (
	_ "embed"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A format is the format of the tokens of a service.
type format struct {
	what     string
	keywords []string // a text with a token has one of these, in lower case
	entropy  float64  // the minimum of a token
	pattern  func() *regexp.Regexp
}

// own are formats that gitleaks lacks, or defines more strictly.
var own = []struct{ what, keywords, pattern string }{
	{"a token of GitHub", "gh github", `\b(gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{40,})`},
	{"a token of GitLab", "gl", `\bgl(pat|ptt|dt|rt|cbt|soat|ft|agent|oas)-[A-Za-z0-9_.-]{20,}`},
	{"an access key of AWS", "akia asia abia acca", `\b(AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b`},
	{"a key of Google", "aiza", `\bAIza[A-Za-z0-9_-]{35}`},
	{"a token of Google", "ya29.", `\bya29\.[A-Za-z0-9_-]{20,}`},
	{"a key of Google", "gocspx-", `\bGOCSPX-[A-Za-z0-9_-]{24,}`},
	{"a token of Slack", "xox", `\bxox[abeoprs]-[A-Za-z0-9-]{10,}`},
	{"a webhook of Slack", "hooks.slack", `hooks\.slack\.com/(services|workflows|triggers)/[A-Za-z0-9/+]{20,}`},
	{"a webhook of Discord", "/api/webhooks/", `discord(app)?\.com/api/webhooks/[0-9]+/[A-Za-z0-9_-]{20,}`},
	{"a token of Discord", ".", `\b[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}\b`},
	{"a key of Stripe", "k_live_ k_test_", `\b[rs]k_(live|test)_[A-Za-z0-9]{16,}`},
	{"a webhook key of Stripe", "whsec_", `\bwhsec_[A-Za-z0-9+/]{24,}`},
	{"a key of OpenAI or Anthropic", "sk-", `\bsk-(proj-|ant-|svcacct-|or-v1-)?[A-Za-z0-9_-]{32,}`},
	{"a key of Groq", "gsk_", `\bgsk_[A-Za-z0-9]{32,}`},
	{"a key of xAI", "xai-", `\bxai-[A-Za-z0-9]{40,}`},
	{"a token of npm", "npm_", `\bnpm_[A-Za-z0-9]{36}`},
	{"a token of PyPI", "pypi-", `\bpypi-[A-Za-z0-9_-]{40,}`},
	{"a token of crates.io", "cio", `\bcio[A-Za-z0-9]{32}\b`},
	{"a token of Docker", "dckr_", `\bdckr_(pat|oat)_[A-Za-z0-9_-]{20,}`},
	{"a token of Hugging Face", "hf_", `\bhf_[A-Za-z0-9]{30,}`},
	{"a token of DigitalOcean", "do", `\bdo[opr]_v1_[a-f0-9]{64}`},
	{"a key of SendGrid", "sg.", `\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}`},
	{"a token of Telegram", ":aa", `(?:\b|bot)[0-9]{8,10}:AA[A-Za-z0-9_-]{30,}`},
	{"a key of Tailscale", "tskey-", `\btskey-[a-z]+-[A-Za-z0-9-]{16,}`},
	{"a token of Vault", "hv", `\bhv[sbr]\.[A-Za-z0-9_-]{24,}`},
	{"a token of Atlassian", "atatt3 atctt3", `\bAT[AC]TT3[A-Za-z0-9_=-]{40,}`},
	{"a token of Fly.io", "fo1_ fm1 fm2_", `\b(fo1_|fm1[ar]?_|fm2_)[A-Za-z0-9+/_-]{40,}`},
	{"a token of Linear", "lin_", `\blin_(api|oauth)_[A-Za-z0-9]{32,}`},
	{"a token of Notion", "ntn_ secret_", `\b(ntn_|secret_)[A-Za-z0-9]{40,}`},
	{"a token of 1Password", "ops_ey", `\bops_eyJ[A-Za-z0-9+/_-]{40,}`},
	{"a token of Gitea or Forgejo", "gta_", `\bgta_[A-Za-z0-9]{36,}`},
	{"a key of age", "age-secret-key-", `\bAGE-SECRET-KEY-(PQ-)?1[0-9A-Z]{50,}`},
	{"a private key", "private key-----", `-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----`},
	{"a private key", "private key block", `-----BEGIN [A-Z ]*PRIVATE KEY BLOCK-----`},
	{"a private key", "b3blbnnzac1rzxktdje", `b3BlbnNzaC1rZXktdjE[A-Za-z0-9+/=]*`},
	{"a private key", "miie mc4caqawbq mhccaq migha", `\b(MIIE[vop][A-Za-z0-9+/]{40,}|MC4CAQAwBQ[A-Za-z0-9+/]{20,}|MHcCAQ[A-Za-z0-9+/]{40,}|MIGHAgEA[A-Za-z0-9+/]{40,})`},
	{"a private key", "putty-user-key-file", `PuTTY-User-Key-File-[0-9][^\n]*`},
	{"a private key", "lq", `(?:^|[\s"'=])lQ[OVIH][A-Za-z0-9+/]{60,}`},
	{"a password of a wireless network", "wifi:", `\bWIFI:(?:[TSHRE]:[^;]*;)*P:[^;]+`},
	{"a JSON web token", "eyj", `\beyJ[A-Za-z0-9_-]{8,}\.(eyJ)?[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*`},
	{"a hashed password", "$", `\$(1|apr1|2[abxy]|5|6|7|y|gy|argon2[a-z]*|scrypt)\$[./A-Za-z0-9$=,+-]{20,}`},
	{"an access to a web service by otpauth", "otpauth://", `otpauth(-migration)?://[^\s'"]*(secret|data)=[^\s'"&]+`},
}

//go:embed gitleaks.txt
var gitleaks string

// formats returns all formats. They are read when a text may have a token.
var formats = sync.OnceValue(func() []format {
	var all []format
	for _, f := range own {
		all = append(all, format{f.what, strings.Fields(f.keywords), 0, pattern(f.pattern)})
	}
	for line := range strings.Lines(gitleaks) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(fields) != 4 {
			continue // a comment
		}
		bits, _ := strconv.ParseFloat(fields[2], 64)
		all = append(all, format{"a token (" + strings.ReplaceAll(fields[0], "-", " ") + ")", strings.Split(fields[1], ","), bits, pattern(fields[3])})
	}
	return all
})

// minToken is the minimum length of a token.
const minToken = 16

// mayHaveToken reports whether a text has minToken consecutive characters of tokens, and a
// digit or a capital among them. Most texts do not.
func mayHaveToken(text string) bool {
	length, odd := 0, false
	for i := range len(text) {
		c := text[i]
		if !wordByte(c) && c != ':' && c != '$' && c != ',' {
			length, odd = 0, false
			continue
		}
		length++
		odd = odd || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z'
		if odd && length >= minToken {
			return true
		}
	}
	return strings.Contains(text, "PRIVATE KEY") || strings.Contains(text, "WIFI:")
}

// formats searches for tokens by their formats.
func (s *scan) formats(text string) {
	if !mayHaveToken(text) {
		return
	}
	all := formats()
	for _, n := range keywords().in(strings.ToLower(text)) {
		f := all[n]
		for _, token := range f.pattern().FindAllString(text, -1) {
			if !s.has(token) && entropy(token) >= f.entropy {
				s.add(f.what, token)
			}
		}
	}
}

// An index has the keywords of all formats by their first two characters, so that a text is
// searched once, and not once for each of hundreds of keywords.
type index struct {
	lists  [1 << 16]uint16 // indexes of found, by two characters; 0: no keyword begins with them
	found  [][]keyword
	single []keyword // keywords of one character
}

type keyword struct {
	text   string
	format int
}

var keywords = sync.OnceValue(func() *index {
	x := &index{found: [][]keyword{nil}}
	for n, f := range formats() {
		for _, k := range f.keywords {
			if len(k) < 2 {
				x.single = append(x.single, keyword{k, n})
				continue
			}
			list := &x.lists[start(k)]
			if *list == 0 {
				*list = uint16(len(x.found))
				x.found = append(x.found, nil)
			}
			x.found[*list] = append(x.found[*list], keyword{k, n})
		}
	}
	return x
})

func start(text string) int { return int(text[0])<<8 | int(text[1]) }

// in returns the indexes of the formats with a keyword in a text in lower case, sorted.
func (x *index) in(lower string) []int {
	var all []int
	for _, k := range x.single {
		if strings.Contains(lower, k.text) {
			all = append(all, k.format)
		}
	}
	for i := range max(0, len(lower)-1) {
		for _, k := range x.found[x.lists[start(lower[i:])]] {
			if strings.HasPrefix(lower[i:], k.text) && !slices.Contains(all, k.format) {
				all = append(all, k.format)
			}
		}
	}
	slices.Sort(all)
	return all
}
