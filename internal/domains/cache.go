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

// A Cache holds facts that domains have read, for later commands. It writes nothing before
// [Cache.Save], so that a preview changes no file.
type Cache struct {
	mu    sync.Mutex
	texts map[string]plan.Overwrite // by path
	read  map[string][]byte         // the contents of files, by path
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

// Recall returns the text for a path that this command or an earlier one remembered. It is
// an error if none did.
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

// Save executes the plan of the cache. It ignores errors: the next command reads facts again
// that could not be saved.
func (c *Cache) Save() {
	_ = host.Executor{}.Execute(context.Background(), c.plan(), nil)
}

// plan returns the plan that writes the remembered texts, and empties the cache. Instead of
// a text with a secret, it writes an empty one. It rewrites files that an older bkt wrote
// readable for all.
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
