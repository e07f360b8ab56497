# the image of the workers
FROM python:3.12-slim
