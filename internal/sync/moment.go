package sync

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/copier"
)

// moment is what a snapshot says of transactions. Numbers are of 64 bits: they go on
// where those that rows carry begin anew.
type moment struct {
	taken  time.Time // by the source's clock
	low    uint64    // all transactions below had ended, and the snapshot shows what they committed
	next   uint64    // the first that had not begun
	origin string    // the server and its history, of which these are numbers
}

// readMoment asks for the moment of a snapshot. What only tells servers apart is
// asked on another connection: a right that is missing must not end the snapshot.
func readMoment(ctx context.Context, conn *pgx.Conn, s *copier.Snapshot) (moment, error) {
	m := moment{taken: s.Taken}
	var low, next string
	const numbers = "SELECT pg_catalog.pg_snapshot_xmin(s)::text, pg_catalog.pg_snapshot_xmax(s)::text FROM pg_catalog.pg_current_snapshot() s"
	err := s.Conn().QueryRow(ctx, numbers).Scan(&low, &next)
	if err == nil {
		m.low, err = strconv.ParseUint(low, 10, 64)
	}
	if err == nil {
		m.next, err = strconv.ParseUint(next, 10, 64)
	}
	if err != nil {
		return m, fmt.Errorf("asking the source which transactions its snapshot shows: %w", err)
	}
	var database string
	if err := conn.QueryRow(ctx, "SELECT oid::text FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()").Scan(&database); err != nil {
		return m, fmt.Errorf("asking the source for its database: %w", err)
	}
	// After a switch to a standby numbers of lost transactions may be given again.
	const server = "SELECT s.system_identifier::text || '/' || c.timeline_id::text FROM pg_catalog.pg_control_system() s, pg_catalog.pg_control_checkpoint() c"
	if err := conn.QueryRow(ctx, server).Scan(&m.origin); err != nil {
		if conn.IsClosed() || ctx.Err() != nil {
			return m, fmt.Errorf("asking the source for its identity: %w", err)
		}
		m.origin = "untold" // not this role's to know
	}
	m.origin += "/" + database
	return m, nil
}

// halfRound is how many transactions may lie between two runs, so that the 32 bits
// that a row carries still tell which were after the first: half of what they can.
const halfRound = 1 << 31

// since is the condition for rows that a run at an earlier moment may not have seen;
// "" where nothing tells them apart, and all are read.
//
// A row carries the number of the transaction that wrote this version of it (xmin):
// an UPDATE writes a new version, a lock does not, and freezing keeps the number. A
// version that the earlier snapshot did not show was written by a transaction that
// had not ended by then, or had not begun: its number is not below the snapshot's
// lowest running one (low). The same holds for subtransactions, which have numbers of
// their own: theirs are above that of the transaction they are part of. Nothing is
// asked of the list of running transactions, in which subtransactions do not stand.
// So every row is read that could have been missed, those that were seen among them;
// they are the same by their key.
//
// Of the 64 bits a row carries the lower 32. Counted back from the present, a number
// is taken for the youngest that it can be: a frozen row of long ago can be read once
// more for that, and no young one can be missed, while fewer than 2^31 transactions
// lie between the moments.
func (m moment) since(low uint64) string {
	if low > m.next || m.next-low >= halfRound {
		return ""
	}
	const sql = "(%d - xmin::text::bigint + 4294967296) %% 4294967296 <= %d"
	return "(" + fmt.Sprintf(sql, m.next%(1<<32), m.next-low) + ")"
}
