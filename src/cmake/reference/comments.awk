# The public headers as doxygen is to read them: their plain comments made into its own.
#     awk -f comments.awk HEADER
#
# What stands right before something is its documentation, what stands behind a field, an
# enumerator or a macro is theirs. A banner opens a group; its `Called:` is said with each of its
# calls that does not itself say whether it is collective. `Errors:`, `Called:` and `Memory:` at the
# start of a line head a paragraph. A call's example is the part with its name in
# tests/reference/<first word of its section>.c. The essay of rankpool.h is the page rankpool, that
# of another header stands in its group.

# Names of the library become links, and nothing is a tag or emphasis; but `code`, lines of code,
# calls with their brackets and fields stay as they are.
function plain(line,    done, word) {
    if (line ~ /^    /)
        return line
    while (match(line, /`[^`]*`|[A-Za-z_][A-Za-z_0-9.]*\(?|[*<]/)) {
        word = substr(line, RSTART, RLENGTH)
        if (word ~ /^(rp|RP)_[A-Za-z_.]+$/ && word !~ /_$/)
            word = "#" word
        if (word ~ /^[*<]$/)
            word = "\\" word
        done = done substr(line, 1, RSTART - 1) word
        line = substr(line, RSTART + RLENGTH)
    }
    return done line
}

function print_text(text, count,    i, rest) {
    for (i = 1; i <= count; i++) {
        rest = plain(text[i])
        if (match(rest, /^(Called|Memory|Errors): /)) {
            print " * \\par " substr(rest, 1, RLENGTH - 2)
            rest = toupper(substr(rest, RLENGTH + 1, 1)) substr(rest, RLENGTH + 2)
        }
        print " * " rest
    }
}

# From `Called:` on.
function note_called(    i) {
    for (i = 1; i <= count; i++)
        if (called_count || comment[i] ~ /^Called: /)
            called[++called_count] = comment[i]
}

function open_section(    title) {
    title = comment[1]
    gsub(/^-+ | -+$/, "", title)
    section = tolower(title)
    sub(/[^a-z].*/, "", section)
    close_section()
    grouped = 1
    called_count = 0
    note_called()
    print "/** \\defgroup rankpool_" section " " title
    print " * \\par Header\n * `#include <rankpool/" header ">`\n *"
    print_text(essay, essay_count)
    essay_count = 0
    comment[1] = ""
    print_text(comment, count)
    print " * @{ */"
}

function close_section() {
    if (grouped)
        print "/** @} */"
}

# The name of the call that `line` begins to declare, "" if it does not.
function call_of(line) {
    if (line !~ /^(RP_API|static inline) / || !match(line, /rp_[a-z_]+\(/))
        return ""
    return substr(line, RSTART, RLENGTH - 1)
}

function document(line,    name, text, i) {
    name = call_of(line)
    print "/**"
    print_text(comment, count)
    for (i = 1; i <= count; i++)
        text = text comment[i]
    if (name) {
        print " *"
        if (text !~ /ollective/)
            print_text(called, called_count)
        print " * \\par Example\n * \\snippet " section ".c " name
    }
    print " */"
}

function begin_file(    i) {
    header = FILENAME
    sub(/.*\//, "", header)
    print "/** \\file */"
    if (header == "rankpool.h") {
        sub(/^rankpool: /, "", comment[1])
        sub(/\.$/, "", comment[1])
        print "/** \\mainpage Overview\n * \\copydetails rankpool */"
        print "/** \\page rankpool " comment[1]
        comment[1] = ""
        print_text(comment, count)
        print " */"
        return
    }
    for (i = 1; i <= count; i++)
        essay[++essay_count] = comment[i]
}

# Fills comment[1..count] line by line; true until the comment has ended.
function in_comment(line) {
    if (!inside && line !~ /^\/\*/)
        return 0
    if (!inside)
        count = 0
    inside = line !~ /\*\/$/
    sub(/ *\*\/$/, "", line)
    sub(/^\/\* ?|^ \* ?/, "", line)
    comment[++count] = line
    return 1
}

in_comment($0) { next }

count {
    if (!header)
        begin_file()
    else if (comment[1] ~ /^---- /)
        open_section()
    else
        document($0)
    count = 0
}

# The enumerators of the statuses, whose texts are in the table that makes them.
match($0, /X\(RP_[A-Z_]+, ".*"\)/) {
    split(substr($0, RSTART + 2, RLENGTH - 4), part, /, "/)
    statuses = statuses part[1] ", /**< " part[2] " */\n"
}
/^    RP_STATUSES\(/ { $0 = statuses }

{
    sub(/[;,}] *\/\* |^#define .*[^ ] +\/\* /, "&@@")
    sub(/\/\* @@/, "/**< ")
    print
}

END { close_section() }
