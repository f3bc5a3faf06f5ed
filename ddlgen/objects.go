package ddlgen

// declareObjects makes a node of each object beside tables.
func (p *planner) declareObjects() {
	p.declareCollations()
	p.declareRanges()
	p.declareTypes()
	p.declareViews()
	p.declareRoutines()
	p.declareForeignTables()
	p.declareStatistics()
	p.declareOthers()
}
