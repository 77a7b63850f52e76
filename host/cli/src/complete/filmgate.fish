# Completion of filmgate for fish. The program knows its options and the plugins that are there.
complete --keep-order --exclusive --command filmgate --arguments "(FILMGATE_COMPLETE=fish filmgate -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token --cut-at-cursor))"
