"""Pictures and tables that people look at: panels, sheets, scores, reports."""
