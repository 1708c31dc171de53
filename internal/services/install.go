package services

import "strings"

// An install is what a unit file says of how the unit is enabled.
type install struct {
	empty    bool            // the file is, which masks the unit
	possible bool            // the unit can be enabled
	aliases  map[string]bool // other names that it then goes by
	instance string          // the one that is meant by a template
	unread   error           // why the file cannot be read
}

// parseInstall parses the section of a unit file that systemctl enable reads.
func parseInstall(text string) install {
	i := install{empty: text == "", aliases: map[string]bool{}}
	inside := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			inside = line == "[Install]"
		}
		if name, value, ok := strings.Cut(line, "="); ok && inside {
			i.set(strings.TrimSpace(name), strings.TrimSpace(value))
		}
	}
	return i
}

func (i *install) set(name, value string) {
	switch name {
	case "WantedBy", "RequiredBy", "UpheldBy":
		i.possible = i.possible || value != ""
	case "Alias":
		i.possible = i.possible || value != ""
		for _, alias := range strings.Fields(value) {
			i.aliases[alias] = true
		}
	case "DefaultInstance":
		i.instance = value
	}
}
