# doxygen's manual pages, of which there is one for a section, made into one for each call and type.
#     awk -v out=FOLDER -v examples=FOLDER -f pages.awk PAGE...
#
# A section's page keeps its overview. Each thing that it documents in full goes to a page of its
# own, <out>/<name>.3, where paragraphs with a title are sections. Examples are taken from their
# source, since doxygen's manual pages have ' where there was ".

function put(line) {
    if (file)
        print line > file
}

# Without fonts, and pointers as one writes them in C.
function bare(line) {
    gsub(/\\f[BCIPR]/, "", line)
    gsub(/\* /, "*", line)
    sub(/ \(/, "(", line)
    sub(/^static /, "", line)
    sub(/ \[inline\].*/, "", line)
    return line
}

function see(other) {
    put(".BR " other " (3)")
}

function end_page(    i, name) {
    if (!file)
        return
    put(".SH SEE ALSO")
    for (i = 1; page == "rankpool" && i < ARGC; i++) {
        name = ARGV[i]
        sub(/.*\//, "", name)
        sub(/\.3$/, "", name)
        if (name ~ /^rankpool_/)
            see(name)
    }
    if (entry)
        see(page)
    if (page != "rankpool")
        see("rankpool")
    close(file)
    file = entry = ""
}

# Macros have no page: they are in the overview.
function begin_entry(text) {
    end_page()
    declared = bare(text)
    if (declared !~ /^#define/ && match(declared, /rp_[a-z_]+(\(|$)/)) {
        entry = substr(declared, RSTART, RLENGTH)
        sub(/\(/, "", entry)
        file = out "/" entry ".3"
        waiting = 1
    }
}

# The part of the section's source between two lines `//! [entry]`, less the first one's indentation.
function put_example(    source, line, inside, indent) {
    source = examples "/" substr(page, length("rankpool_") + 1) ".c"
    put(".SH EXAMPLE\n.nf")
    while ((getline line < source) > 0) {
        if (index(line, "//! [" entry "]")) {
            indent = index(line, "/")
            inside = !inside
        } else if (inside) {
            line = substr(line, indent)
            gsub(/\\/, "\\e", line)
            put("\\&" line)
        }
    }
    close(source)
    put(".fi")
}

# What comes before an entry's text, whose first sentence says what it is.
function put_head(text,    head) {
    head = heading
    sub(page, entry, head)
    match(text " ", /\\&\. /)
    put(head "\n.ad l\n.nh\n.SH NAME\n" entry " \\- " substr(text, 1, RSTART > 0 ? RSTART - 1 : length(text)))
    put(".SH SYNOPSIS\n.nf\n.B " header "\n.fi\n.HP 8\n.B \"" declared (declared ~ /\(/ ? ";" : "") "\"")
    put(".SH DESCRIPTION")
    waiting = shown = 0
}

FNR == 1 {
    end_page()
    heading = $0
    page = $2
    gsub(/"/, "", page)
    file = out "/" page ".3"
}

!code { sub(/^ +/, "") }
!/^\./ { gsub(/''/, "\"\"") }

/^\\fC#include <.*>\\fP *$/ { header = bare($0) }

/^\.SH "Author"/ { end_page() }
/^\.SH ".* Documentation"/ && page ~ /^rankpool_/ { end_page() }
/^\.SH "Detailed Description"/ { $0 = ".SH DESCRIPTION" }

/^\.SS "/ && /rp_/ {
    begin_entry(substr($0, 6, length($0) - 6))
    next
}

waiting {
    if ($0 == "" || /^\./)
        next
    put_head($0)
}

# "\fBErrors\fP", ".RS 4", text, ".RE".
entry && /^\\fBExample\\fP$/ {
    put_example()
    shown = 1
}
entry && shown { next }
entry && /^\\fB[A-Z][a-z]+\\fP$/ {
    put(".SH " toupper(bare($0)))
    next
}
entry && /^\.R[SE]( 4)?$/ { next }

after_name { sub(/\\&\. *$/, "") }
after_name && page == "rankpool" { $0 = $0 "\n.SH DESCRIPTION" }
{ after_name = /^\.SH NAME/ }

/^\.nf/ { code = 1 }
/^\.fi/ { code = 0 }
code { gsub(/'/, "\"") }
{ put($0) }

END { end_page() }
