package copier

// link is a worker's pair of connections, kept from part to part.
type link struct {
	from *sourceConn
	to   *targetConn

	place *gate
	whole bool // counted by it
}

// count tells the gate whether both connections are there.
func (l *link) count() {
	if whole := l.from != nil && l.to != nil; whole != l.whole && l.place != nil {
		l.whole = whole
		l.place.connected(map[bool]int{true: 1, false: -1}[whole])
	}
}

// drop closes both connections. After an error nothing is known of their state.
func (l *link) drop() {
	defer l.count()
	if l.from != nil {
		l.from.wire.close(false)
		l.from = nil
	}
	if l.to != nil {
		l.to.close(false)
		l.to = nil
	}
}

// close says goodbye on both connections.
func (l *link) close() {
	defer l.count()
	if l.from != nil {
		l.from.close()
		l.from = nil
	}
	if l.to != nil {
		l.to.close(true)
		l.to = nil
	}
}
