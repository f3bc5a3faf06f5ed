package db9sim

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"
	pg "github.com/pganalyze/pg_query_go/v6"
)

// call is how a statement is about to run.
type call struct {
	extended bool
	params   [][]byte // of Bind; text or binary
	maxRows  uint32   // of Execute; 0 is all
	portal   string   // its name
}

// limitState is what limits count of a session.
type limitState struct {
	txBytes  int          // written by the transaction, about
	timeouts timeouts     // as last read
	stale    bool         // timeouts may have changed since
	lines    *linePrinter // of the COPY TO under way
	results  resultUse
}

// sizes are the limits in bytes and rows.
type sizes struct {
	row, key, line, tx, sort int // bytes
	rotation, noRotation     int // rows of a COPY
	portals                  int // suspended at once
	portalRows, portalBytes  int // of what a suspended portal's query gives
}

// db9Sizes are those of the notes on DB9, section 8.
func db9Sizes() sizes {
	return sizes{
		row: 8 << 20, key: 4 << 10, line: 32 << 20, tx: 100 << 20, sort: 256 << 20,
		rotation: 5_000, noRotation: 50_000,
		portals: 32, portalRows: 10_000, portalBytes: 16 << 20,
	}
}

// writes reports whether a statement stores what it is sent.
func (s *statement) writes() bool {
	if s.raw == nil {
		return false
	}
	switch s.raw.GetStmt().GetNode().(type) {
	case *pg.Node_InsertStmt, *pg.Node_UpdateStmt:
		return true
	}
	return false
}

// limitsBefore refuses a statement that is too large; it is called before each
// statement is run, also in a failed transaction.
func (s *session) limitsBefore(ctx context.Context, stmt *statement, c call) (*refusal, error) {
	if s.status == failed || stmt.raw == nil {
		return nil, nil
	}
	if stmt.writes() {
		if r := s.writeTooLarge(stmt, c); r != nil {
			return r, nil
		}
	}
	if err := s.beforeCopyOut(ctx, stmt); err != nil {
		return nil, err
	}
	return s.portalBefore(stmt, c), nil
}

// writeTooLarge measures what an INSERT or UPDATE is sent: each literal and
// parameter as a value, all of them as what the transaction writes.
func (s *session) writeTooLarge(stmt *statement, c call) *refusal {
	size := len(stmt.text)
	largest := 0
	for _, p := range c.params {
		size += len(p)
		largest += len(p)
	}
	if len(stmt.text) > s.sim.sizes.row/2 {
		largest += largestRow(stmt.raw)
	}
	if s.sim.rules.On("row-limit") && largest > s.sim.sizes.row {
		return rowTooLarge(largest, s.sim.sizes.row).refusal()
	}
	s.limits.txBytes += size
	if s.sim.rules.On("transaction-limit") && s.limits.txBytes > s.sim.sizes.tx {
		return txTooLarge(s.limits.txBytes, s.sim.sizes.tx).refusal()
	}
	return nil
}

// largestRow is the length of the literals in the longest row of VALUES, or of
// all literals where there are no VALUES.
func largestRow(raw *pg.RawStmt) int {
	lists := raw.GetStmt().GetInsertStmt().GetSelectStmt().GetSelectStmt().GetValuesLists()
	if len(lists) == 0 {
		return literals(raw.GetStmt())
	}
	longest := 0
	for _, l := range lists {
		longest = max(longest, literals(l))
	}
	return longest
}

func literals(n *pg.Node) int {
	sum := 0
	eachNode(n, func(n *pg.Node) {
		if c := n.GetAConst(); c != nil {
			sum += len(c.GetSval().GetSval())
		}
	})
	return sum
}

// limitsAfter is told how a statement ended.
func (s *session) limitsAfter(stmt *statement, out outcome) {
	s.portalAfter(out)
	if s.status == idle {
		s.limits.txBytes = 0
	}
	if mayChangeTimeouts(stmt) || out.err != nil {
		s.limits.stale = true
	}
}

// mayChangeTimeouts reports whether a statement sets parameters, or ends the
// transaction in which they were set.
func mayChangeTimeouts(stmt *statement) bool {
	if stmt.raw == nil {
		return true
	}
	switch stmt.raw.GetStmt().GetNode().(type) {
	case *pg.Node_VariableSetStmt, *pg.Node_TransactionStmt, *pg.Node_DiscardStmt, *pg.Node_DoStmt:
		return true
	}
	return strings.Contains(stmt.text, "set_config")
}

// row sees each row of a result on its way to the client and may change it. A
// refusal ends the statement with an error in place of the remaining rows.
func (s *session) row(stmt *statement, desc *pgproto3.RowDescription, row *pgproto3.DataRow) *refusal {
	if stmt.raw != nil {
		if show := stmt.raw.GetStmt().GetVariableShowStmt(); show != nil && len(row.Values) == 1 {
			name := strings.ToLower(show.GetName())
			row.Values[0] = []byte(s.sim.timeouts.shown(name, string(row.Values[0])))
			return nil
		}
	}
	s.print(desc, row)
	return s.countRow(row)
}
