/* Writes pictures into the pipe of `filmgate encode`.
 *
 *     cc -O2 -o push push.c
 *     filmgate encode --fifo /tmp/pictures --size 640x360 --pix-fmt bgr24 --rate 25 -o out.flv &
 *     ./push /tmp/pictures 250
 */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { WIDTH = 640, HEIGHT = 360, BYTES = WIDTH * HEIGHT * 3 };

static unsigned char picture[BYTES];

/* A bar that moves from left to right. */
static void draw(int number)
{
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) {
            unsigned char *pixel = picture + (y * WIDTH + x) * 3;
            int bar = (x + WIDTH - number * 4 % WIDTH) % WIDTH < 40;
            pixel[0] = bar ? 60 : 40;           /* blue */
            pixel[1] = bar ? 180 : y * 255 / HEIGHT; /* green */
            pixel[2] = bar ? 250 : 40;          /* red */
        }
    }
}

/* A pipe may take less than it is given. */
static int write_all(int pipe, const unsigned char *data, size_t count)
{
    while (count > 0) {
        ssize_t some = write(pipe, data, count);
        if (some < 0)
            return -1;
        data += some;
        count -= (size_t)some;
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: push PIPE [COUNT]\n");
        return 2;
    }
    int count = argc > 2 ? atoi(argv[2]) : 250;
    int pipe = open(argv[1], O_WRONLY);
    if (pipe < 0) {
        perror(argv[1]);
        return 1;
    }
    for (int number = 0; number < count; number++) {
        draw(number);
        if (write_all(pipe, picture, BYTES) < 0) {
            perror(argv[1]);
            return 1;
        }
    }
    return close(pipe) < 0;
}
