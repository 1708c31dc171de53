package main

import (
	"encoding/xml"
	"strings"
)

// The elements of comps.xml, the file that says which groups a repository
// has.
type (
	compsFile struct {
		XMLName xml.Name     `xml:"comps"`
		Groups  []compsGroup `xml:"group"`
	}
	compsGroup struct {
		ID          string        `xml:"id"`
		Name        string        `xml:"name"`
		Description string        `xml:"description"`
		Default     bool          `xml:"default"`
		UserVisible bool          `xml:"uservisible"`
		Packages    []compsMember `xml:"packagelist>packagereq"`
	}
	compsMember struct {
		Type string `xml:"type,attr"`
		Name string `xml:",chardata"`
	}
)

// comps returns a comps.xml with the groups development-tools and small-group, and a
// group for each other one among specs, which has the package hello.
func comps(specs []string) []byte {
	file := compsFile{Groups: []compsGroup{group("development-tools", tools...), group("small-group", "less", "zoxide")}}
	seen := map[string]bool{"development-tools": true, "small-group": true}
	for _, spec := range specs {
		id, ok := strings.CutPrefix(spec, "@")
		if ok && !seen[id] {
			file.Groups = append(file.Groups, group(id, "hello"))
			seen[id] = true
		}
	}
	text, err := xml.MarshalIndent(file, "", "  ")
	if err != nil {
		panic(err) // these types can always be written
	}
	return append([]byte(xml.Header), append(text, '\n')...)
}

// group returns a group whose members are installed with it.
func group(id string, members ...string) compsGroup {
	g := compsGroup{ID: id, Name: id, Description: "A group of the offline repository", UserVisible: true}
	for _, name := range members {
		g.Packages = append(g.Packages, compsMember{"mandatory", name})
	}
	return g
}
