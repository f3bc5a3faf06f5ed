package copier

import "fmt"

// SourceShare is how the connections that a run may open on the source are
// shared out.
type SourceShare struct {
	Lockers int // that hold table locks
	Jobs    int // that read
}

// sourceOwn is what a run needs on the source beside its readers and lockers: a
// connection for questions, the snapshot's, and the one that sees the catalog as
// it is now. A process that keeps the snapshot has one more.
const sourceOwn = 3

// ShareSource shares out total connections: to the readers first, since a
// connection can lock many tables. Kept says that a process of its own keeps the
// snapshot. It is an error when not one reader is left.
func ShareSource(total, jobs, tables int, kept bool) (SourceShare, error) {
	own := sourceOwn
	if kept {
		own++
	}
	left := total - own - 1 // a locker at least
	if left < 1 {
		return SourceShare{}, fmt.Errorf("%d connections to the source are too few: %d are needed, one for questions, %d for the snapshot, one that holds table locks, and one that reads", total, own+2, own-1)
	}
	jobs = min(jobs, left)
	groups := min(maxLockGroups, (tables+lockGroup-1)/lockGroup)
	return SourceShare{Lockers: max(1, min(groups, total-own-jobs)), Jobs: jobs}, nil
}
