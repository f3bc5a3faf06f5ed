package ddlgen

import (
	"fmt"
	"slices"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
)

// node is an object beside tables (a routine, view, type, operator, ...) whose
// place in the plan follows from what it needs and from what needs it. All
// nodes are declared before anything is decided; whether one is carried is
// asked when something needs it.
type node struct {
	key    refKey
	object finding.Object
	refs   []catalog.Ref // what must stand before it, and be carried
	phase  Phase         // where it goes when nothing needs it earlier
	code   finding.Code  // of the finding where it is left
	refuse string        // why it is left, whatever it needs; empty: it depends on refs
	make   func(at place)

	state  nodeState
	why    string // once decided: why it is left; empty is carried
	wanted Phase
}

// place is where a node's statements go.
type place struct {
	phase Phase
	after []string // statements of the same phase that come first
}

type nodeState int

const (
	undecided nodeState = iota
	deciding            // being asked about itself: a circle stands or falls with the rest
	decided
)

// refKey is a Ref without what does not tell objects apart.
type refKey struct {
	kind string
	name catalog.Name
}

func keyOf(r catalog.Ref) refKey { return refKey{r.Kind, r.Name} }

// declare makes a node known.
func (p *planner) declare(n *node) {
	n.wanted = n.phase
	p.nodes = append(p.nodes, n)
	p.node[n.key] = n
}

// whyLeft says why a node is not carried; empty is carried.
func (p *planner) whyLeft(n *node) string {
	if n.state == undecided {
		n.state = deciding
		n.why = n.refuse
		if n.why == "" {
			n.why = p.missing(n.refs)
		}
		n.state = decided
	}
	return n.why
}

// need notes that statements of a phase use what refs name.
func (p *planner) need(refs []catalog.Ref, phase Phase) {
	for _, r := range refs {
		n := p.node[keyOf(r)]
		if n == nil || n.wanted <= phase && n.state == decided {
			continue
		}
		if phase < n.wanted {
			n.wanted = phase
			p.need(n.refs, phase)
		}
	}
}

// earliest is the first phase in which all that a node needs can stand.
func (p *planner) earliest(n *node, seen map[*node]bool) Phase {
	at := PhasePrepare
	if seen[n] {
		return at
	}
	seen[n] = true
	for _, r := range n.refs {
		if d := p.node[keyOf(r)]; d != nil {
			at = max(at, p.earliest(d, seen), d.floor())
			continue
		}
		switch r.Kind {
		case "table":
			at = max(at, PhaseTables)
		case "sequence":
			at = max(at, PhaseSequences)
		case "type":
			at = max(at, PhaseTypes)
		}
	}
	return at
}

// floor is the first phase that a node's kind can stand in.
func (n *node) floor() Phase {
	switch n.key.kind {
	case "view", "materialized view":
		return PhaseViews
	case "type":
		return PhaseTypes
	}
	return PhasePrepare
}

// placeNodes emits the statements of all nodes that are carried, each after
// what it needs, and a finding for each that is left.
func (p *planner) placeNodes() {
	done := map[*node]bool{}
	var emit func(n *node)
	emit = func(n *node) {
		if done[n] {
			return
		}
		done[n] = true
		if why := p.whyLeft(n); why != "" {
			p.find(n.code, n.object, "%s", why)
			return
		}
		phase := max(n.wanted, p.earliest(n, map[*node]bool{}), n.floor())
		p.need(n.refs, phase)
		at := place{phase: phase}
		for _, r := range n.refs {
			if d := p.node[keyOf(r)]; d != nil {
				emit(d)
			}
			if id := p.madeBy(r); id != "" && p.statements[p.ids[id]].Phase == phase {
				at.after = append(at.after, id)
			}
		}
		slices.Sort(at.after)
		at.after = slices.Compact(at.after)
		n.make(at)
	}
	for _, n := range p.nodes {
		emit(n)
	}
}

// madeBy is the statement that creates what a reference names; empty where none
// does.
func (p *planner) madeBy(r catalog.Ref) string {
	if n := p.node[keyOf(r)]; n != nil {
		return p.byObject[n.object]
	}
	switch r.Kind {
	case "table":
		return p.byObject[tableObject(r.Name)]
	case "type":
		for _, kind := range []string{"type", "domain"} {
			if id := p.byObject[objectOf(kind, r.Name)]; id != "" {
				return id
			}
		}
	case "sequence":
		return p.byObject[sequenceObject(r.Name)]
	}
	return ""
}

// missingNode says why a node that something needs is not there.
func (p *planner) missingNode(n *node) string {
	if n.state == deciding {
		return ""
	}
	if why := p.whyLeft(n); why != "" {
		return fmt.Sprintf("%s %s is left behind", n.key.kind, n.key.name)
	}
	return ""
}
