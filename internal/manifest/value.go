package manifest

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"bkt/internal/hint"
	"bkt/internal/strictjson"
)

// These are checks of values that several manifests have. The values are written
// into shell commands, .repo files and the like, some of them by other programs.

var (
	hex   = charset{}.with("0123456789abcdef")
	inURL = letters.with("-.~:/?#[]@!$&'()*+,;=%{}|^")
)

// checkSpelling checks that s begins with one of first and goes on with rest.
func checkSpelling(s string, first, rest charset) error {
	r, _ := utf8.DecodeRuneInString(s)
	switch {
	case s == "":
		return errors.New("is empty")
	case len(s) > maxSpec:
		return fmt.Errorf("is too long: %d bytes (at most %d)", len(s), maxSpec)
	case !rest.has(r):
		return fmt.Errorf("may not contain %q", r)
	case !first.has(r):
		return fmt.Errorf("may not begin with %q", r)
	}
	return checkChars(s, rest)
}

// checkLine checks text of one line.
func checkLine(s string) error {
	switch {
	case s == "":
		return errors.New("is empty")
	case strings.TrimSpace(s) == "":
		return errors.New("is blank")
	}
	return checkControl(s, "\t")
}

// checkTrimmed checks a line without blanks at its ends, which programs would drop.
func checkTrimmed(s string) error {
	if err := checkLine(s); err != nil {
		return err
	}
	if strings.TrimSpace(s) != s {
		return errors.New("begins or ends with a space")
	}
	return nil
}

// checkText checks text of several lines.
func checkText(s string) error { return checkControl(s, "\n\t") }

// checkAny checks a line that may be empty.
func checkAny(s string) error { return checkControl(s, "\t") }

// checkArgument checks one argument of a command, which must not look like an option.
func checkArgument(s string) error {
	err := checkTrimmed(s)
	if err == nil && s[0] == '-' {
		err = errors.New("would be an option")
	}
	return err
}

// checkURL checks the URL of a file or folder to download.
func checkURL(s string) error { return checkURLOf(s, "https", "http", "file") }

func checkURLOf(s string, schemes ...string) error {
	if strings.ContainsAny(s, " \t\r\n") {
		return hint.Add(errors.New("has a blank"), `write a space in a URL as %%20`)
	}
	if err := checkChars(s, inURL); err != nil {
		return err
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || !slices.Contains(schemes, u.Scheme):
		return hint.Add(errors.New("is not a URL to download"), "a URL begins with %s", strings.Join(schemes, "://, ")+"://")
	case u.Scheme == "file" && (u.Host != "" || !strings.HasPrefix(u.Path, "/")):
		return hint.Add(errors.New("is not a file of this computer"), `the URL of a file has three slashes: "file:///etc/pki/key.asc"`)
	case u.Scheme != "file" && u.Host == "":
		return errors.New("has no host")
	}
	return nil
}

func checkSHA256(s string) error {
	if len(s) == 64 && checkChars(s, hex) == nil {
		return nil
	}
	return hint.Add(errors.New("is not a sha256"), `a sha256 has 64 hexadecimal digits in lower case, as "sha256sum" prints it`)
}

func checkDigest(s string) error {
	if sum, ok := strings.CutPrefix(s, "sha256:"); ok && checkSHA256(sum) == nil {
		return nil
	}
	return hint.Add(errors.New("is not a digest"), `a digest is "sha256:" and 64 hexadecimal digits in lower case`)
}

// checkAbsolute checks the path of a file or folder of an image.
func checkAbsolute(s string) error {
	if err := checkTrimmed(s); err != nil {
		return err
	}
	switch {
	case s[0] != '/':
		return hint.Add(errors.New("is not absolute"), `a path in the image begins with "/"`)
	case path.Clean(s) != s:
		return hint.Add(errors.New("is not a clean path"), "write %s", strictjson.Quote(path.Clean(s)))
	case s == "/":
		return errors.New("is the whole image")
	}
	return nil
}

// checkBelow checks a path relative to a folder, which may not leave the folder.
func checkBelow(s string) error {
	if err := checkTrimmed(s); err != nil {
		return err
	}
	switch clean := path.Clean(s); {
	case s[0] == '/':
		return errors.New("is absolute")
	case clean == "." || !fs.ValidPath(clean):
		return errors.New("leaves its folder")
	case clean != s:
		return hint.Add(errors.New("is not a clean path"), "write %s", strictjson.Quote(clean))
	}
	return nil
}

// checkHomePath checks a path on the running system, absolute or in the user's home.
func checkHomePath(s string) error {
	if err := checkTrimmed(s); err != nil {
		return err
	}
	if s[0] != '/' && !strings.HasPrefix(s, "~/") {
		return hint.Add(errors.New("is neither absolute nor below ~"), `write "/usr/bin" or "~/.local/bin"`)
	}
	return nil
}

func checkMode(s string) error {
	octal := checkChars(s, charset{}.with("01234567")) == nil
	if octal && (len(s) == 3 || len(s) == 4 || len(s) == 5 && s[0] == '0') {
		return nil
	}
	return hint.Add(errors.New("is not a mode"), `a mode is three or four octal digits, such as "0644" or "0755"`)
}

// checkFileName checks a name without folders.
func checkFileName(s string) error {
	if err := checkTrimmed(s); err != nil {
		return err
	}
	if strings.Contains(s, "/") || s == "." || s == ".." {
		return errors.New("is not a file name")
	}
	return nil
}
