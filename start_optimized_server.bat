@echo off
rem Starts the server and opens its page. Sets up .venv on the first run; all flags go to simple_server_optimized.py.
rem ASCII only: cmd misreads other characters in a batch file when the code page changes under it.
setlocal EnableExtensions DisableDelayedExpansion
chcp 65001 >nul 2>&1
set "PYTHONUTF8=1"
if not defined AUDIT8_OPEN_PAGE set "AUDIT8_OPEN_PAGE=true"
set "CODE=1"
set "PYTHON="
set "PROBE=import ensurepip, sys, venv; sys.exit(not ((3, 11) <= sys.version_info[:2] <= (3, 14) and sys.maxsize > 2**32))"

pushd "%~dp0"
if not "%ERRORLEVEL%"=="0" goto failed
call :try .venv\Scripts\python.exe
for %%V in (3.13 3.12 3.11 3.14) do call :try py -%%V
for %%P in (python python3) do call :try %%P
if not defined PYTHON goto no_python

call %PYTHON% "scripts\install.py"
if not "%ERRORLEVEL%"=="0" goto failed
".venv\Scripts\python.exe" "simple_server_optimized.py" %*
set "CODE=%ERRORLEVEL%"
if not "%CODE%"=="0" goto server_failed
popd
exit /b 0

:try
rem A candidate is tried, not looked for: the Store puts a "python" on the path that only prints an error.
rem "call", because with pyenv-win the command is itself a batch file.
if defined PYTHON exit /b 0
call %* -c "%PROBE%" >nul 2>&1
if "%ERRORLEVEL%"=="0" set "PYTHON=%*"
exit /b 0

:no_python
type "scripts\no_python_windows.txt"

goto failed

:server_failed
echo To see what this machine lacks:  .venv\Scripts\python.exe -m audit8 doctor

:failed
rem Keep the window open to be read, unless nobody is there to press a key: timeout refuses redirected input.
if defined CI goto leave
timeout /t 0 >nul 2>&1
if not errorlevel 1 pause
:leave
popd
exit /b %CODE%
