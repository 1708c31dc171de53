// Sbom prints which modules are linked into programs, as an SPDX document in JSON
// (https://spdx.github.io/spdx-spec/v2.3/). It reads them from the programs themselves.
//
//	sbom VERSION DATE PROGRAM…
//
// VERSION is that of the programs, and DATE the time of the document, as in RFC 3339. The
// folder of a program is the name of its architecture. The same arguments give the same
// bytes.
package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
)

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: sbom VERSION DATE PROGRAM…")
		os.Exit(2)
	}
	d, err := describe(os.Args[1], os.Args[2], os.Args[3:])
	if err == nil {
		enc := json.NewEncoder(os.Stdout)
		enc.SetIndent("", "  ")
		err = enc.Encode(d)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sbom: error:", err)
		os.Exit(1)
	}
}

// The parts of a document of SPDX 2.3.
type (
	document struct {
		SPDXVersion       string         `json:"spdxVersion"`
		DataLicense       string         `json:"dataLicense"`
		SPDXID            string         `json:"SPDXID"`
		Name              string         `json:"name"`
		DocumentNamespace string         `json:"documentNamespace"`
		CreationInfo      creation       `json:"creationInfo"`
		Packages          []spdxPackage  `json:"packages"`
		Relationships     []relationship `json:"relationships"`
	}
	creation struct {
		Created  string   `json:"created"`
		Creators []string `json:"creators"`
	}
	spdxPackage struct {
		Name             string      `json:"name"`
		SPDXID           string      `json:"SPDXID"`
		VersionInfo      string      `json:"versionInfo"`
		DownloadLocation string      `json:"downloadLocation"`
		FilesAnalyzed    bool        `json:"filesAnalyzed"`
		Checksums        []checksum  `json:"checksums,omitempty"`
		ExternalRefs     []reference `json:"externalRefs,omitempty"`
	}
	checksum struct {
		Algorithm string `json:"algorithm"`
		Value     string `json:"checksumValue"`
	}
	reference struct {
		Category string `json:"referenceCategory"`
		Type     string `json:"referenceType"`
		Locator  string `json:"referenceLocator"`
	}
	relationship struct {
		Element string `json:"spdxElementId"`
		Type    string `json:"relationshipType"`
		Related string `json:"relatedSpdxElement"`
	}
)

const documentID = "SPDXRef-DOCUMENT"

// describe returns the document about programs.
func describe(version, date string, programs []string) (document, error) {
	d := document{
		SPDXVersion: "SPDX-2.3", DataLicense: "CC0-1.0", SPDXID: documentID, Name: "bkt " + version,
		CreationInfo: creation{Created: date, Creators: []string{"Tool: bkt-sbom"}},
	}
	all := sha256.New()
	for _, name := range programs {
		data, err := os.ReadFile(name)
		if err != nil {
			return d, err
		}
		info, err := buildinfo.ReadFile(name)
		if err != nil {
			return d, err
		}
		sum := sha256.Sum256(data)
		all.Write(sum[:])
		d.add(program(name, version, fmt.Sprintf("%x", sum)), info)
	}
	// It must be another one for each document.
	d.DocumentNamespace = fmt.Sprintf("https://spdx.org/spdxdocs/bkt-%s-%x", version, all.Sum(nil)[:16])
	return d, nil
}

// program describes a program.
func program(name, version, sum string) spdxPackage {
	arch, file := filepath.Base(filepath.Dir(name)), filepath.Base(name)
	return spdxPackage{
		Name: file, SPDXID: id("Program", file, arch), VersionInfo: version, DownloadLocation: "NOASSERTION",
		Checksums: []checksum{{"SHA256", sum}},
	}
}

// add adds a program with the modules and the version of Go that info names.
func (d *document) add(p spdxPackage, info *debug.BuildInfo) {
	d.Packages = append(d.Packages, p)
	d.Relationships = append(d.Relationships, relationship{documentID, "DESCRIBES", p.SPDXID})
	modules := []*debug.Module{{Path: "stdlib", Version: strings.TrimPrefix(info.GoVersion, "go")}}
	for _, m := range append(modules, info.Deps...) {
		if m.Replace != nil {
			m = m.Replace
		}
		q := module(m)
		if !slices.ContainsFunc(d.Packages, func(known spdxPackage) bool { return known.SPDXID == q.SPDXID }) {
			d.Packages = append(d.Packages, q)
		}
		d.Relationships = append(d.Relationships, relationship{p.SPDXID, "DEPENDS_ON", q.SPDXID})
	}
}

// module describes a module. Its package URL is that of
// https://github.com/package-url/purl-spec/blob/main/types/golang-definition.json.
func module(m *debug.Module) spdxPackage {
	purl := "pkg:golang/" + strings.ToLower(m.Path) + "@" + strings.ReplaceAll(m.Version, "+", "%2B")
	return spdxPackage{
		Name: m.Path, SPDXID: id("Module", m.Path, m.Version), VersionInfo: m.Version, DownloadLocation: "NOASSERTION",
		ExternalRefs: []reference{{"PACKAGE-MANAGER", "purl", purl}},
	}
}

// notInID is what an identifier of SPDX cannot have.
var notInID = regexp.MustCompile(`[^A-Za-z0-9.-]+`)

// id returns an identifier made of words.
func id(words ...string) string {
	return "SPDXRef-" + notInID.ReplaceAllString(strings.Join(words, "-"), "-")
}
