package bounded

import (
	"strconv"
	"text/template/parse"
)

// The functions that a template calls after it is instrumented. They are defined after it
// is parsed, so that its text cannot name them.
const (
	stepName  = "bktStep"
	enterName = "bktEnter"
	leaveName = "bktLeave"
	readName  = "bktRead"
)

// An instrumenter adds calls of these functions to a template.
type instrumenter struct {
	deep  bool // the template has too many levels
	where parse.Pos
}

// instrument changes the template with that root. If it has too many levels, deep is
// true, and at is where.
func instrument(root *parse.ListNode) (at parse.Pos, deep bool) {
	var i instrumenter
	i.list(root, 1)
	pos := root.Position()
	root.Nodes = append([]parse.Node{action(enterName, pos)}, append(root.Nodes, action(leaveName, pos))...)
	return i.where, i.deep
}

// tooDeep reports whether a level is beyond the limit.
func (i *instrumenter) tooDeep(level int, at parse.Pos) bool {
	if level > MaxNesting && !i.deep {
		i.deep, i.where = true, at
	}
	return i.deep
}

// list adds a step before each node of a list. An empty list, which can be the body of a
// loop, is a step, too.
func (i *instrumenter) list(l *parse.ListNode, level int) {
	if l == nil || i.tooDeep(level, l.Position()) {
		return
	}
	nodes := make([]parse.Node, 0, 2*len(l.Nodes)+1)
	for _, n := range l.Nodes {
		weight := 1 + i.node(n, level+1)
		nodes = append(nodes, action(stepName, n.Position(), int(n.Position()), weight), n)
	}
	if len(nodes) == 0 {
		nodes = append(nodes, action(stepName, l.Position(), int(l.Position()), 1))
	}
	l.Nodes = nodes
}

// node changes what is in a node, and returns how many steps the node itself takes.
func (i *instrumenter) node(n parse.Node, level int) int {
	switch n := n.(type) {
	case *parse.TextNode:
		return len(n.Text) / bytesPerStep
	case *parse.ActionNode:
		return i.pipe(n.Pipe, level)
	case *parse.TemplateNode:
		return i.pipe(n.Pipe, level)
	case *parse.IfNode:
		return i.branch(&n.BranchNode, level)
	case *parse.RangeNode:
		return i.branch(&n.BranchNode, level)
	case *parse.WithNode:
		return i.branch(&n.BranchNode, level)
	}
	return 0
}

func (i *instrumenter) branch(b *parse.BranchNode, level int) int {
	i.list(b.List, level)
	i.list(b.ElseList, level)
	return i.pipe(b.Pipe, level)
}

// pipe has each function of a pipeline count what it reads.
func (i *instrumenter) pipe(p *parse.PipeNode, level int) int {
	if p == nil || i.tooDeep(level, p.Position()) {
		return 0
	}
	steps := 0
	var commands []*parse.CommandNode
	for k, c := range p.Cmds {
		steps += len(c.Args)
		for j, arg := range c.Args {
			if inner, ok := arg.(*parse.PipeNode); ok {
				steps += i.pipe(inner, level+1)
			}
			if j > 0 && reads(c) && isComputed(arg) {
				c.Args[j] = measured(arg)
			}
		}
		if k > 0 && reads(c) {
			commands = append(commands, call(readName, c.Position()))
		}
		commands = append(commands, c)
	}
	p.Cmds = commands
	return steps
}

// reads reports whether a command is a function that may read all of its arguments.
func reads(c *parse.CommandNode) bool {
	f, ok := c.Args[0].(*parse.IdentifierNode)
	if !ok {
		return false
	}
	switch f.Ident {
	case "and", "or", "not", "len", "index", "slice", "call":
		return false
	}
	return true
}

// isComputed reports whether an argument can be larger than it is in the template.
func isComputed(n parse.Node) bool {
	switch n.Type() {
	case parse.NodeBool, parse.NodeNil, parse.NodeNumber, parse.NodeString:
		return false
	}
	return true
}

// measured returns an argument in parentheses, with the function that counts it.
func measured(arg parse.Node) parse.Node {
	at := arg.Position()
	c := call(readName, at)
	c.Args = append(c.Args, arg)
	return &parse.PipeNode{NodeType: parse.NodePipe, Pos: at, Cmds: []*parse.CommandNode{c}}
}

// action returns a node that calls a function with numbers.
func action(name string, at parse.Pos, numbers ...int) parse.Node {
	pipe := &parse.PipeNode{NodeType: parse.NodePipe, Pos: at, Cmds: []*parse.CommandNode{call(name, at, numbers...)}}
	return &parse.ActionNode{NodeType: parse.NodeAction, Pos: at, Pipe: pipe}
}

func call(name string, at parse.Pos, numbers ...int) *parse.CommandNode {
	c := &parse.CommandNode{NodeType: parse.NodeCommand, Pos: at}
	c.Args = append(c.Args, parse.NewIdentifier(name).SetPos(at))
	for _, n := range numbers {
		c.Args = append(c.Args, &parse.NumberNode{NodeType: parse.NodeNumber, Pos: at, IsInt: true, Int64: int64(n), Text: strconv.Itoa(n)})
	}
	return c
}
