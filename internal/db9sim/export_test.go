package db9sim

// Shrink makes limits of bytes small, so that a test meets them: 10 kB for a
// line and a sort, 100 kB for a transaction. Call it before a client connects.
func (s *Sim) Shrink() { s.sizes.line, s.sizes.sort, s.sizes.tx = 10<<10, 10<<10, 100<<10 }
