# The server without a model: page, rules, queue and reports here, the model on other machines. No torch, no GPU.
#   docker build -f docker/front.Dockerfile -t audit8-front .
#   docker run --rm -p 127.0.0.1:8000:8000 audit8-front --engine-url http://gpu-host:8000/v1
FROM python:3.12-slim
RUN apt-get update && apt-get install -y --no-install-recommends git && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY requirements-remote.txt ./
RUN python -m pip install --no-cache-dir -r requirements-remote.txt
COPY audit8 audit8
COPY static static
COPY simple_server_optimized.py LICENSE ./
RUN useradd --create-home audit8
USER audit8
ENV PYTHONUNBUFFERED=1
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30m CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://localhost:8000/ready', timeout=4)"]
ENTRYPOINT ["python", "simple_server_optimized.py", "--host", "0.0.0.0", "--engine", "openai"]
