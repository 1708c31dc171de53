package gen

import (
	"bkt/internal/finding"
	"bkt/internal/manifest"
)

// warning returns a finding about an entry that stops no command.
func warning(rule string, e manifest.Entry, message string) finding.Finding {
	return finding.Finding{Rule: rule, Level: finding.Warning, Place: e.Place(), Message: message}
}
