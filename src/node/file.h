/* Small text files of /proc and /sys, read below a root that tests replace. */
#ifndef RANKPOOL_NODE_FILE_H
#define RANKPOOL_NODE_FILE_H

/* The text of the file `root` + `path`, to be freed; NULL if it cannot be read. */
char *node_file_read(const char *root, const char *path);

/* The text that follows `key` on the line that starts with it, as in "MemTotal:   8 kB"; NULL if
 * there is no such line. Points into `text`, blanks skipped, up to the end of all text. */
const char *node_file_field(const char *text, const char *key);

#endif
