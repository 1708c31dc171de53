package domains

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"bkt/internal/host"
	"bkt/internal/plan"
	"bkt/internal/secret"
)

// A Cache holds what domains have looked up, so that later commands need not look it
// up again. Nothing is written before [Cache.Save]: a command that only looks, or
// only prints what would change, leaves no trace.
type Cache struct {
	mu    sync.Mutex
	texts map[string]plan.Overwrite // by path
	read  map[string][]byte         // what files had, by path
}

// Remember makes Recall return the text for its path from now on.
func (c *Cache) Remember(p plan.Overwrite) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.texts == nil {
		c.texts = map[string]plan.Overwrite{}
	}
	c.texts[p.Path] = p
}

// Recall returns what was remembered under a path, by this command or an earlier
// one. It fails if nothing was.
func (c *Cache) Recall(path string) ([]byte, error) {
	c.mu.Lock()
	p, ok := c.texts[path]
	c.mu.Unlock()
	if ok {
		return p.Text, nil
	}
	text, err := os.ReadFile(path)
	if err == nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.read == nil {
			c.read = map[string][]byte{}
		}
		c.read[path] = text
	}
	return text, err
}

// Save executes the plan of the cache. If a text cannot be written, it is looked up
// again next time, and nothing else is lost.
func (c *Cache) Save() {
	_ = host.Executor{}.Execute(context.Background(), c.plan(), nil)
}

// plan returns the plan that writes what was remembered, which is forgotten. A text
// with a secret in it is left out and looked up each time. Files that an older bkt
// wrote readable for all are rewritten.
func (c *Cache) plan() plan.Plan {
	c.mu.Lock()
	defer c.mu.Unlock()
	texts := maps.Clone(c.texts)
	if texts == nil {
		texts = map[string]plan.Overwrite{}
	}
	for path, text := range c.read {
		if _, ok := texts[path]; !ok && host.ReadableByOthers(path) {
			texts[path] = plan.Overwrite{Path: path, Text: text, Private: filepath.Dir(path)}
		}
	}
	var p plan.Plan
	for _, path := range slices.Sorted(maps.Keys(texts)) {
		step := texts[path]
		if secret.Find(step.Text, nil) != "" {
			step.Text = []byte("{}\n")
		}
		p = append(p, plan.Change{Op: plan.Modify, Targets: []string{path}, Steps: []plan.Step{step}})
	}
	c.texts, c.read = nil, nil
	return p
}
