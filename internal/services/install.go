package services

import "strings"

// An install has the facts of a unit file that decide how the unit is enabled.
type install struct {
	empty    bool            // the file is empty, which masks the unit
	possible bool            // the unit can be enabled
	aliases  map[string]bool // other names of the enabled unit
	instance string          // the default instance of a template
	unread   error           // why the file cannot be read
}

// parseInstall parses the section [Install] of a unit file, which "systemctl enable" reads.
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
