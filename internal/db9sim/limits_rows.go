package db9sim

import (
	"github.com/jackc/pgx/v5/pgproto3"
	pg "github.com/pganalyze/pg_query_go/v6"
)

// portalUse is what a portal that is run in pieces has given.
type portalUse struct{ rows, bytes int }

// resultUse is what the limits count of the results of a session.
type resultUse struct {
	portals map[string]*portalUse // suspended, or run in pieces now
	current string                // the portal under way
	pieces  bool                  // it has a row limit
	sorted  bool                  // the result under way is sorted as a whole
	bytes   int                   // of that result
}

// portalBefore notes the portal that is about to run, and refuses one more
// that would be suspended.
func (s *session) portalBefore(stmt *statement, c call) *refusal {
	u := &s.limits.results
	u.current, u.pieces, u.bytes = c.portal, c.extended && c.maxRows > 0, 0
	u.sorted = s.sim.rules.On("sort-limit") && sortsAll(stmt.raw)
	if !u.pieces || !s.sim.rules.On("portal-limit") || u.portals[c.portal] != nil {
		return nil
	}
	for name := range u.portals {
		if s.ext.portals[name] == nil { // closed, or gone with its transaction
			delete(u.portals, name)
		}
	}
	if len(u.portals) >= s.sim.sizes.portals {
		return refuse("54000", "too many suspended portals: at most %d", s.sim.sizes.portals)
	}
	if u.portals == nil {
		u.portals = map[string]*portalUse{}
	}
	u.portals[c.portal] = &portalUse{}
	return nil
}

// portalAfter forgets a portal that has given all its rows.
func (s *session) portalAfter(out outcome) {
	u := &s.limits.results
	if !out.suspended {
		delete(u.portals, u.current)
	}
	u.pieces, u.sorted = false, false
}

// sortsAll reports whether a statement sorts its result without a LIMIT.
func sortsAll(raw *pg.RawStmt) bool {
	sel := raw.GetStmt().GetSelectStmt()
	return sel != nil && len(sel.GetSortClause()) > 0 && sel.GetLimitCount() == nil
}

// countRow counts a row of a result that is bounded.
func (s *session) countRow(row *pgproto3.DataRow) *refusal {
	u := &s.limits.results
	if !u.sorted && !u.pieces {
		return nil
	}
	n := 0
	for _, v := range row.Values {
		n += len(v)
	}
	if u.sorted {
		if u.bytes += n; u.bytes > s.sim.sizes.sort {
			return refuse("54000", "the sort exceeds db9.max_sort_bytes: more than %d bytes", s.sim.sizes.sort)
		}
	}
	if p := u.portals[u.current]; u.pieces && p != nil {
		p.rows++
		p.bytes += n
		if p.rows > s.sim.sizes.portalRows || p.bytes > s.sim.sizes.portalBytes {
			return refuse("54000", "a suspended portal holds at most %d rows or %d bytes", s.sim.sizes.portalRows, s.sim.sizes.portalBytes)
		}
	}
	return nil
}
