package manifest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"bkt/internal/hint"
)

const hintUnit = `write a unit with its type, such as "sshd.service", "fstrim.timer" or "wg-quick@wg0.service"`

var (
	inPrefix   = letters.with(`:-.\`)
	inInstance = inPrefix.with("@")
	unitTypes  = []string{"service", "socket", "device", "mount", "automount", "swap", "target", "path", "timer", "slice", "scope"}
)

// maxUnit is systemd's limit for the length of a unit name, in bytes.
const maxUnit = 255

// checkUnit checks the name of a unit by the rules of systemd.unit(5).
func checkUnit(s string) error {
	i := strings.LastIndex(s, ".")
	if i < 0 || !slices.Contains(unitTypes, s[i+1:]) {
		err := errors.New("has no unit type")
		if checkSpelling(s, letters, inInstance) == nil {
			err = hint.Add(err, "did you mean %q?", s+".service")
		}
		return hint.Add(err, hintUnit)
	}
	prefix, instance, _ := strings.Cut(s[:i], "@")
	err := cmp.Or(checkSpelling(prefix, inPrefix, inPrefix), checkChars(instance, inInstance))
	switch {
	case err == nil && s[0] == '-':
		err = errors.New("would be an option of systemctl")
	case err == nil && len(s) > maxUnit:
		err = fmt.Errorf("is too long: %d bytes (at most %d)", len(s), maxUnit)
	}
	return hint.Add(err, hintUnit)
}
