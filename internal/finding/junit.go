package finding

import (
	"encoding/xml"
	"slices"
	"time"
)

// A Case is the outcome of one check, for JUnit XML. A check that neither
// failed nor was skipped has passed.
type Case struct {
	Suite   string // the subject of the check, such as the name of an image
	Name    string
	Took    time.Duration
	Failure string // in a few words
	Output  string // of a check that failed
	Skipped string // why
}

// The elements of JUnit XML that all its readers agree on.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		Seconds float64       `xml:"time,attr"`
		Failure *junitMessage `xml:"failure"`
		Skipped *junitMessage `xml:"skipped"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// ToJUnit returns cases as the text of a JUnit XML file. Suites keep the order
// of their first cases.
func ToJUnit(cases []Case) ([]byte, error) {
	var all junitSuites
	for _, c := range cases {
		i := slices.IndexFunc(all.Suites, func(s junitSuite) bool { return s.Name == c.Suite })
		if i < 0 {
			i = len(all.Suites)
			all.Suites = append(all.Suites, junitSuite{Name: c.Suite})
		}
		all.Suites[i].add(c)
	}
	data, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return nil, err
	}
	return append([]byte(xml.Header), append(data, '\n')...), nil
}

func (s *junitSuite) add(c Case) {
	element := junitCase{Name: c.Name, Class: c.Suite, Seconds: c.Took.Seconds()}
	s.Tests++
	switch {
	case c.Failure != "":
		s.Failures++
		element.Failure = &junitMessage{c.Failure, c.Output}
	case c.Skipped != "":
		s.Skipped++
		element.Skipped = &junitMessage{Message: c.Skipped}
	}
	s.Cases = append(s.Cases, element)
}
