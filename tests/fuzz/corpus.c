/* Where the compiler has no libFuzzer: tries each file of the folders that are named, and says how many. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

#define LARGEST ((size_t)1 << 20)

static void try_file(const char *path)
{
    uint8_t *bytes = malloc(LARGEST);
    FILE *file = fopen(path, "re");
    if (!bytes || !file) {
        fprintf(stderr, "%s cannot be read\n", path);
        exit(1);
    }
    struct fuzz fuzz = {bytes, fread(bytes, 1, LARGEST, file)};
    fclose(file);
    fprintf(stderr, "%s, %zu bytes\n", path, fuzz.left);
    fuzz_one(&fuzz);
    free(bytes);
}

static int try_folder(const char *folder)
{
    int count = 0;
    DIR *directory = opendir(folder);
    for (const struct dirent *entry; directory && (entry = readdir(directory));) {
        char path[1024];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        try_file(path);
        count++;
    }
    if (directory)
        closedir(directory);
    return count;
}

int main(int argc, char **argv)
{
    int count = 0;
    for (int i = 1; i < argc; i++)
        count += try_folder(argv[i]);
    printf("%d inputs\n", count);
    return count == 0;
}
