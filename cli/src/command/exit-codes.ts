/** What happened, to scripts; told by "cleat help exit-codes". */
export const EXIT_OK = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;
/** run and exec: Cleat itself failed. */
export const EXIT_NOT_RUN = 125;
/** Who reads the output went away: 128 and SIGPIPE, as a shell has it. */
export const EXIT_BROKEN_PIPE = 141;
