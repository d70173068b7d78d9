# The whole server with a model of its own, for one NVIDIA GPU. From the project's folder:
#   docker build -f docker/gpu.Dockerfile -t audit8-gpu .
#   docker run --rm --gpus all -p 127.0.0.1:8000:8000 -v audit8-cache:/cache audit8-gpu
FROM python:3.12-slim
# The kernels' compiler builds a small launcher in C at the first start.
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev git && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY requirements.txt ./
RUN python -m pip install --no-cache-dir -r requirements.txt
COPY audit8 audit8
COPY static static
COPY simple_server_optimized.py LICENSE ./
RUN useradd --create-home audit8 && mkdir /cache && chown audit8 /cache
USER audit8
ENV AUDIT8_CACHE_DIR=/cache/audit8 HF_HOME=/cache/huggingface PYTHONUNBUFFERED=1
VOLUME /cache
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30m CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://localhost:8000/ready', timeout=4)"]
ENTRYPOINT ["python", "simple_server_optimized.py", "--host", "0.0.0.0"]
