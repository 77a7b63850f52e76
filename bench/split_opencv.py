"""split_opencv.py FILM FOLDER QUALITY [emboss]: the loop that people write: read a picture, filter it,
write it."""
import sys

import cv2
import numpy

film, folder, quality, *emboss = sys.argv[1:]
kernel = numpy.array([[-1, 0, 0], [0, 1, 0], [0, 0, 0]], numpy.float32)
source = cv2.VideoCapture(film)
number = 0
while True:
    more, picture = source.read()
    if not more:
        break
    if emboss:
        picture = cv2.filter2D(picture, -1, kernel, delta=128)
    number += 1
    cv2.imwrite(f"{folder}/frame{number:06d}.jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
